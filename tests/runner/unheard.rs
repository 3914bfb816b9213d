//! Nobody is left to read what is said: a command ends as it would, and a gateway goes on.

use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use crate::gateway::Gateway;
use crate::word::{answering, becomes};

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 2] = [
        ("a command ends with its own status", commands),
        ("a gateway goes on, and reloads", reloads),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("unheard: {name}"), run)).collect()
}

fn commands() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    std::fs::write(&path, "edition 2026\nroute all on web { respond 200 }\nroute\n")?;
    let path = path.to_string_lossy();
    let commands: [(&[&str], i32); 7] = [
        (&["check", &path], 1),
        (&["check", "--format", "json", &path], 1),
        (&["fmt", "--check", &path], 1),
        (&["test", &path], 1),
        (&["diff", &path, &path], 1),
        (&["run", &path], 1),
        (&["check", "nowhere.gw"], 2),
    ];
    for (args, status) in commands {
        let [out, err] = [std::io::pipe()?, std::io::pipe()?].map(|(_, writer)| writer);
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("gwc").args(args).env_remove("UPDATE").stdin(Stdio::null());
        let ended = command.stdout(out).stderr(err).status()?;
        if ended.code() != Some(status) {
            return Err(format!("`gwc {}` ended with {ended}, not {status}", args.join(" ")).into());
        }
    }
    Ok(())
}

fn reloads() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    let mut gateway = Gateway::start(folder.path(), &path, &answering("a"))?;
    let address = gateway.address(None)?;
    gateway.leave();
    for word in ["b", "c", "d"] {
        std::fs::write(&path, answering(word))?;
        gateway.signal("HUP")?;
        becomes(address, word)?;
    }
    Ok(())
}
