//! The suite as a test binary. Started with `gwc` as its first argument it is `gwc` itself, so that pages can show
//! commands without a second binary to build, and with `upstream` an upstream that can die.

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.peek().is_some_and(|first| first == "gwc") {
        return gwc::main(args);
    }
    if args.peek().is_some_and(|first| first == "upstream") {
        let address = args.nth(1).unwrap_or_default();
        return if gw_tests::load::upstream(&address.to_string_lossy()).is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), gw_tests::trials());
    match gw_tests::write_updates() {
        Ok(0) => {}
        Ok(n) => println!("{n} blocks rewritten"),
        Err(error) => {
            eprintln!("pages could not be rewritten: {error}");
            return ExitCode::from(2);
        }
    }
    conclusion.exit_code()
}
