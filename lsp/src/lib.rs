//! The language server: one session with an editor over a pair of streams. It holds no words of the language: what it says
//! comes from the vocabulary handed in, from the policy's own doc comments and from the checker.

pub mod analysis;
pub mod ide;
mod lines;
mod server;
mod transport;
mod uri;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

pub use analysis::ReadFile;
use lang::Vocabulary;
pub use lines::{Encoding, Lines};
pub use uri::encoded;

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// By `shutdown` and `exit`; a process exits with 0 then.
    Orderly,
    /// By `exit` without `shutdown`, or because the client went away; a process exits with 1 then.
    Abrupt,
}

impl Ended {
    /// The exit code that the protocol asks for.
    pub fn exit_code(self) -> u8 {
        match self {
            Ended::Orderly => 0,
            Ended::Abrupt => 1,
        }
    }
}

/// Bytes of an imported file; the language parses no more.
const LARGEST_FILE: u64 = 32 << 20;

/// Serves the editor that started this process, over its standard input and output, reading imported files from the disk.
pub fn serve_stdio(vocabulary: Vocabulary) -> io::Result<Ended> {
    serve(io::stdin(), io::stdout(), vocabulary, read_file)
}

/// Serves one editor until it says `exit` or closes `input`.
///
/// `read` reads a file that is imported and not open in the editor. A message that is
/// malformed or too large is answered with an error and the session goes on; an error is returned only when `output`
/// cannot be written.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    vocabulary: Vocabulary,
    read: ReadFile,
) -> io::Result<Ended> {
    server::serve(input, output, vocabulary, read)
}

fn read_file(path: &Path) -> io::Result<String> {
    // Asked before it is opened: opening a pipe waits for whoever writes to it.
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = File::open(path)?;
    let mut text = String::new();
    if file.take(LARGEST_FILE + 1).read_to_string(&mut text)? as u64 > LARGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
