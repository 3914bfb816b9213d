//! Files as bytes: bounded, and of regular files only.

use std::io::Read;
use std::path::Path;

/// The content of a regular file of at most so many bytes; the error says what is wrong, lower case.
pub(crate) fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    // Asked before it is opened: opening a pipe waits for somebody to write.
    let kind = std::fs::metadata(path).map_err(|error| lower(&error.to_string()))?;
    if kind.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !kind.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = std::fs::File::open(path).map_err(|error| lower(&error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| lower(&error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(match most >> 20 {
            0 => format!("it is larger than {} KiB", most >> 10),
            mib => format!("it is larger than {mib} MiB"),
        });
    }
    Ok(bytes)
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
