//! The language server: one session with an editor over a pair of streams. It holds no words of the language: what it says
//! comes from the vocabulary handed in, from the policy's own doc comments and from the checker.

pub mod analysis;
pub mod ide;
mod lines;
mod server;
mod transport;
mod uri;

use std::io::{self, Read, Write};

pub use analysis::ReadFile;
use lang::Vocabulary;
pub use lines::{Encoding, Lines};

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

/// Serves one editor until it says `exit` or closes `input`.
///
/// `read` reads a file that is imported and not open in the editor; this crate touches no disk itself. A message that is
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
