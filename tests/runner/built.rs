//! Built programs as they are served and replaced: by `gwc build` and `gwc run` in processes of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::gateway::Gateway;
use crate::word::{answering, expect};

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 2] = [
        ("a built program is served, and a new one replaces it", replaced),
        ("where a signature is required, nothing else replaces what runs", required),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("built: {name}"), run)).collect()
}

/// Builds a policy that answers with this word.
fn build(folder: &Path, word: &str, more: &[&str]) -> Result<PathBuf, Failed> {
    std::fs::write(folder.join("gateway.gw"), answering(word))?;
    let output = Command::new(std::env::current_exe()?)
        .args(["gwc", "build", "gateway.gw"])
        .args(more)
        .current_dir(folder)
        .env_remove("UPDATE")
        .output()?;
    match output.status.success() {
        true => Ok(folder.join("gateway.gwb")),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

fn replaced() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = build(folder.path(), "one", &[])?;
    // Its sources are gone; their hash is not.
    std::fs::remove_file(folder.path().join("gateway.gw"))?;
    let gateway = Gateway::serve(folder.path(), &path, &[])?;
    expect(gateway.address(None)?, "one")?;
    build(folder.path(), "two", &[])?;
    gateway.signal("HUP")?;
    gateway.hear("reloaded (SIGHUP): sha256:")?;
    expect(gateway.address(None)?, "two")?;
    let mut bytes = std::fs::read(&path)?;
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    std::fs::write(&path, bytes)?;
    gateway.signal("HUP")?;
    gateway.hear("it is damaged")?;
    gateway.hear("not reloaded (SIGHUP): the running policy stays")?;
    expect(gateway.address(None)?, "two")
}

fn required() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for name in ["key", "other"] {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        std::fs::write(folder.path().join(format!("{name}.pem")), pair.serialize_pem())?;
        std::fs::write(folder.path().join(format!("{name}.pub")), pair.public_key_pem())?;
    }
    let path = build(folder.path(), "one", &["--sign", "key.pem"])?;
    let key = folder.path().join("key.pub");
    let key = key.to_str().ok_or("a path that is no text")?;
    let gateway = Gateway::serve(folder.path(), &path, &["--require-signature", key, "--watch"])?;
    expect(gateway.address(None)?, "one")?;
    build(folder.path(), "two", &["--sign", "other.pem"])?;
    gateway.hear("is not by the key in")?;
    gateway.hear("not reloaded (a file changed): the running policy stays")?;
    build(folder.path(), "three", &[])?;
    gateway.hear("is not signed")?;
    gateway.hear("not reloaded (a file changed): the running policy stays")?;
    expect(gateway.address(None)?, "one")?;
    build(folder.path(), "four", &["--sign", "key.pem"])?;
    gateway.hear("reloaded (a file changed)")?;
    expect(gateway.address(None)?, "four")
}
