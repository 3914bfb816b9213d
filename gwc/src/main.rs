//! The binary: see the library beside it.

use std::process::ExitCode;

/// Requests of one core come and go by the hundred at a time, and a policy is checked in memory that its engine does
/// not need: this allocator is quick at the one, and gives back what the other leaves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gwc::main(std::env::args_os())
}
