//! `gwc explain`: the page of a diagnostic.

use crate::{Outcome, report};

/// Explains a diagnostic: why it matters, a policy that earns it, the policy mended
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A code such as `E0101`, or a slug such as `unclosed-brace`; without it, all of them are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let mut catalogue = [lang::diag::CATALOGUE, kubernetes::CATALOGUE].concat();
    catalogue.sort_by_key(|entry| entry.code);
    let Some(code) = &args.code else {
        let lines: String =
            catalogue.iter().map(|entry| format!("{} {}\n", entry.code, entry.slug)).collect();
        report::print(&lines)?;
        return Ok(Outcome::Clean);
    };
    let named = |entry: &&&lang::Entry| {
        entry.code.eq_ignore_ascii_case(code) || entry.slug.eq_ignore_ascii_case(code)
    };
    let Some(entry) = catalogue.iter().find(named) else {
        let known = catalogue.iter().map(|entry| entry.slug);
        let help = match lang::vocab::nearest(code, known) {
            Some(near) => format!("did you mean `{near}`? `gwc explain` lists all"),
            None => "`gwc explain` lists all".to_owned(),
        };
        return Err(miette::miette!(help = help, "there is no diagnostic `{code}`"));
    };
    report::print(&format!(
        "# {} {} ({})\n\n{}\n{}\n",
        entry.code, entry.slug, entry.severity, entry.explain, entry.mends
    ))?;
    Ok(Outcome::Clean)
}
