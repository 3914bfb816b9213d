//! `console`: `$ gwc …` lines and what they print, run in a folder with the case's files.
//!
//! Standard output and standard error are shown one after the other, as are exit statuses other than 0.

use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use super::{Update, at, compare, policy};
use crate::page::{Block, Case};

/// Runs the commands and compares what they print.
pub fn run(case: &Case, block: &Block) -> Result<Option<Update>, Failed> {
    let folder = policy::unpack(case)?;
    let mut found = String::new();
    for line in block.text.lines().filter(|line| line.starts_with("$ ")) {
        let command =
            line[2..].strip_prefix("gwc").filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let command = command.ok_or_else(|| at(case, block, "only `$ gwc …` is run"))?;
        let output = Command::new(std::env::current_exe()?)
            .arg("gwc")
            .args(words(command))
            .current_dir(folder.path())
            .env_remove("UPDATE")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()?;
        found.push_str(line);
        found.push('\n');
        for stream in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(stream).lines() {
                found.push_str(line.trim_end());
                found.push('\n');
            }
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => found.push_str(&format!("(exit {code})\n")),
            None => found.push_str("(killed)\n"),
        }
    }
    compare(case, block, &found)
}

/// The words of a command, with single and double quotes as a shell has them.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(letter);
            }
            (None, ' ') => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}
