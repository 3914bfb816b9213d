//! `gwc replay`: recorded requests, asked again offline of one policy or of two. It streams: a log of any size takes no
//! more memory than what is counted of it.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr, miette};
use runtime::replay::Sender;

use crate::report::{self, Color, shown};
use crate::{Outcome, ask, built, load};

mod access;
mod compare;
mod entry;
mod har;
mod lines;
mod page;
mod side;
mod tally;

use entry::{Entry, Skip};
use lines::{LONGEST, Lines};
use page::Page;
use side::Side;
use tally::Tally;

/// Asks a policy about requests that were recorded: which outcomes they have, which fare otherwise than recorded, and with
/// two policies which decisions change
///
/// A log is one that `gwc run` wrote, a JSON object a line, or an HTTP archive (HAR 1.2); `-` is standard input. A policy is
/// a file whose name ends in `.gw`, or in `.gwb` where it is built: with two, the first is the old one, the second the new
/// one. Nothing is sent anywhere. A condition on something that a log does not hold, such as a header field, is told as unknown; nothing is taken for
/// absent. Exit status: 0 when the answer is written, 1 when a policy has errors or `--deny` finds what it denies, 2 for
/// anything else.
#[derive(clap::Args)]
#[command(override_usage = "gwc replay [OPTIONS] <LOG>... <FILE.gw> [NEW.gw]")]
pub(crate) struct Args {
    /// Logs, then the policy, or the old policy and the new one
    #[arg(value_name = "LOG, FILE.gw", required = true)]
    files: Vec<PathBuf>,
    /// The listener that every request comes to, whatever a log says
    #[arg(long, value_name = "LISTENER")]
    on: Option<String>,
    /// Who opens the connections of what a log names no client for, as in an HTTP archive; a proxy that the listener
    /// trusts speaks for whom `X-Forwarded-For` says
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// Takes a query, header field or content that a log does not hold for absent
    #[arg(long)]
    assume_absent: bool,
    /// Values of inputs, of both policies
    #[arg(long, value_name = "TOML")]
    with: Option<PathBuf>,
    /// What fails the replay
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// The most rows of each table
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Requests that were refused and are let through, what is unknown and what could not be read
    Loosened,
    /// Requests that fare otherwise, what is unknown and what could not be read
    Changed,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// For a pull request
    Markdown,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let is_policy =
        |path: &&PathBuf| built::is_built(path) || path.extension().is_some_and(|end| end == "gw");
    let (policies, logs): (Vec<&PathBuf>, Vec<&PathBuf>) = args.files.iter().partition(is_policy);
    named(&policies, &logs)?;
    let mut sides = Vec::with_capacity(policies.len());
    for path in policies {
        let mut check = load::check(path)?;
        let errors = check.found().filter(|(_, diag)| diag.is_error());
        report::human::print_all(errors, Color::Auto);
        let Some(program) = check.program.take() else { continue };
        let engine = ask::engine(program, args.with.as_deref(), &check.sources)?;
        sides.push(Side::new(check, engine, args.on.as_deref(), args.assume_absent)?);
    }
    let (first, second) = match sides.as_slice() {
        [first] if args.files.len() == logs.len() + 1 => (first, None),
        [first, second] => (first, Some(second)),
        _ => return Ok(Outcome::Faulty),
    };
    let mut tally = Tally::default();
    let n_logs = logs.len();
    for log in logs {
        let mut asking = Asking { first, second, from: args.from, tally: &mut tally, log };
        asking.read()?;
    }
    if tally.requests == 0
        && let Some((Skip::Unreadable(reason), n, place)) = tally.skipped.first()
    {
        let help = "a log is what `gwc run` writes, one JSON object a line, or an HTTP archive";
        let reason = shown(reason, 200);
        return Err(miette!(
            help = help,
            "there is no request to ask: {n} that cannot be read, the first at {place}: {reason}"
        ));
    }
    let page = Page::new(tally, first, second, n_logs, args.top);
    report::print(&match args.format {
        Format::Human => report::seen(&page.human()).into_owned(),
        Format::Json => format!("{:#}\n", page.json()),
        Format::Markdown => report::seen(&page.markdown()).into_owned(),
    })?;
    let denied = match args.deny {
        None => false,
        Some(Deny::Loosened) => page.may_be_loosened(),
        Some(Deny::Changed) => page.may_be_changed(),
    };
    Ok(if denied { Outcome::Faulty } else { Outcome::Clean })
}

/// Whether there are a log and one or two policies.
fn named(policies: &[&PathBuf], logs: &[&PathBuf]) -> miette::Result<()> {
    let usage = "write it as `gwc replay access.log gateway.gw`, or with a second policy behind it";
    match (policies, logs) {
        ([], [only]) => Err(miette!(
            help = usage,
            "there is no policy among the files: `{}` does not end in `.gw`",
            only.display()
        )),
        ([], _) => {
            Err(miette!(help = usage, "there is no policy among the files: none ends in `.gw`"))
        }
        (_, []) => Err(miette!(
            help = "name one, or `-` for standard input",
            "there is no log among the files: all end in `.gw`"
        )),
        ([_, _, third, ..], _) => Err(miette!(
            help = "an old policy and a new one can be compared",
            "`{}` is one policy too many",
            third.display()
        )),
        _ => {
            let is_input = |log: &&&PathBuf| log.as_os_str() == "-";
            match logs.iter().filter(is_input).count() {
                0 | 1 => Ok(()),
                _ => Err(miette!("standard input, `-`, can be read once")),
            }
        }
    }
}

/// One log on its way to the policies.
struct Asking<'a> {
    first: &'a Side,
    second: Option<&'a Side>,
    from: Option<IpAddr>,
    tally: &'a mut Tally,
    log: &'a Path,
}

/// What is read before it is known what kind of log it is.
const GLANCE: usize = 4096;

impl Asking<'_> {
    fn read(&mut self) -> miette::Result<()> {
        let name = match self.log.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => shown(&self.log.display().to_string(), 200),
        };
        let unreadable = || format!("`{name}` could not be read");
        let mut input = open(self.log).into_diagnostic().wrap_err_with(unreadable)?;
        let mut begin = Vec::with_capacity(GLANCE);
        let glance = input.by_ref().take(GLANCE as u64).read_to_end(&mut begin);
        glance.into_diagnostic().wrap_err_with(unreadable)?;
        if let [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] = begin.as_slice() {
            let help = format!("unpack it on the way: `zcat {name} | gwc replay - …`");
            return Err(miette!(help = help, "`{name}` is compressed"));
        }
        let is_archive =
            har::is_archive(&begin) || self.log.extension().is_some_and(|end| end == "har");
        let whole = Cursor::new(begin).chain(input);
        if is_archive {
            let whole = io::BufReader::with_capacity(256 << 10, whole);
            let ended = har::read(whole, &mut |number, entry| {
                self.ask(entry, &|| format!("{name}, entry {number}"));
            });
            if let Err(reason) = ended {
                self.tally.skip(Skip::Unreadable(reason), || name.clone());
            }
            return Ok(());
        }
        let mut lines = Lines::of(whole);
        while let Some((number, line)) = lines.next().into_diagnostic().wrap_err_with(unreadable)? {
            let place = || format!("{name}:{number}");
            match line {
                Some(line) => access::read(line, &mut |entry| self.ask(entry, &place)),
                None => {
                    let reason = format!("the line is longer than {} KiB", LONGEST >> 10);
                    self.tally.skip(Skip::Unreadable(reason), place);
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, entry: Result<Entry<'_>, Skip>, place: &dyn Fn() -> String) {
        match entry {
            Ok(mut entry) => {
                entry.sender = entry.sender.or(self.from.map(Sender::Peer));
                let first = self.first.ask(&entry);
                let second = self.second.map(|second| second.ask(&entry));
                self.tally.count(&entry, first, second, place);
            }
            Err(skip) => self.tally.skip(skip, place),
        }
    }
}

fn open(log: &Path) -> io::Result<Box<dyn Read>> {
    if log.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    if std::fs::metadata(log)?.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    Ok(Box::new(File::open(log)?))
}
