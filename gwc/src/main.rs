//! The binary: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    gwc::main(std::env::args_os())
}
