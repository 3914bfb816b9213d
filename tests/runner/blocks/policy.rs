//! `gw`, `formatted`, `diagnostics` and `program`: what the checker, the formatter and the compiler say of a policy.
//!
//! A comment `// error[slug]` or `// error[slug]: words` on a line asserts a diagnostic that begins there; none
//! asserted means none found.

use std::fmt::Write as _;
use std::path::Path;

use gwc::load::{self, Check};
use lang::Mends;
use libtest_mimic::Failed;
use tempfile::TempDir;

use super::{Update, at, compare};
use crate::page::{Block, Case};

/// The name of a case's first policy file.
pub const ROOT: &str = "gateway.gw";

/// The folder of an example: a page beside a `gateway.gw` is about that policy wherever it shows none itself.
pub fn example_folder(case: &Case) -> Option<&Path> {
    let folder = case.page.parent().filter(|folder| folder.join(ROOT).is_file())?;
    case.of("gw").next().is_none().then_some(folder)
}

/// Writes the case's files into a fresh folder.
pub fn unpack(case: &Case) -> Result<TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    if let Some(example) = example_folder(case) {
        for entry in std::fs::read_dir(example)?.flatten().filter(|entry| entry.path().is_file()) {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
        }
    }
    for block in &case.blocks {
        let name = match block.kind() {
            "gw" => block.name().filter(|name| name.ends_with(".gw")).unwrap_or(ROOT),
            "toml" => block.name().unwrap_or("params.toml"),
            "file" => block.name().ok_or_else(|| at(case, block, "a `file` block needs a name"))?,
            _ => continue,
        };
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &block.text)?;
    }
    Ok(folder)
}

/// Checks the case's policy as `gwc check` would.
pub fn checked(folder: &Path) -> Result<Check, Failed> {
    let checks = load::check_all(&[folder.join(ROOT)]).map_err(|report| format!("{report:?}"))?;
    checks.into_iter().next().ok_or_else(|| "there is no policy".into())
}

/// An example's policy is clean and formatted.
pub fn example(path: &Path) -> Result<(), Failed> {
    let check = load::check(path).map_err(|report| format!("{report:?}"))?;
    if let Some(diag) = check.diags.first() {
        return Err(gwc::report::human::render(diag, &check.sources, false).into());
    }
    let text = std::fs::read_to_string(path)?;
    if format(&text) == text { Ok(()) } else { Err("`gwc fmt` would change it".into()) }
}

/// Holds the diagnostics found against those asserted in comments.
pub fn check(case: &Case) -> Result<(), Failed> {
    let folder = unpack(case)?;
    let check = checked(folder.path())?;
    let mut complaints = String::new();
    let mut asserted = Vec::new();
    for source in check.sources.iter() {
        for (number, line) in source.text.lines().enumerate() {
            asserted.extend(
                assertions(line).map(|(slug, words)| (source.id, number as u32 + 1, slug, words)),
            );
        }
    }
    for diag in &check.diags {
        let span = diag.span();
        let Some(source) = check.sources.get(span.source) else { continue };
        let line = source.line_column(span.start).line;
        let found = asserted.iter().position(|(id, number, slug, words)| {
            (*id, *number, slug.as_str()) == (span.source, line, diag.slug)
                && diag.message.contains(words.as_str())
        });
        match found {
            Some(at) => {
                asserted.swap_remove(at);
            }
            None if diag.severity == lang::Severity::Note => {}
            None => {
                let rendered = gwc::report::human::render(diag, &check.sources, false);
                writeln!(complaints, "not asserted:\n{rendered}")
                    .map_err(|error| error.to_string())?;
            }
        }
    }
    for (_, line, slug, words) in asserted {
        writeln!(complaints, "line {line} of the policy: expected [{slug}] {words}")
            .map_err(|e| e.to_string())?;
    }
    match case.of("gw").next() {
        Some(block) if !complaints.is_empty() => Err(at(case, block, &complaints)),
        _ => Ok(()),
    }
}

/// What readers copy is in the one format, unless it shows a mistake.
pub fn shown(case: &Case) -> Result<(), Failed> {
    for block in case.of("gw") {
        let shows_a_mistake = block.text.lines().any(|line| assertions(line).next().is_some());
        if !shows_a_mistake && format(&block.text) != block.text {
            return Err(at(case, block, "`gwc fmt` would change it"));
        }
    }
    Ok(())
}

fn assertions(line: &str) -> impl Iterator<Item = (String, String)> {
    let comment = line.split_once("// ").map_or("", |(_, comment)| comment);
    comment.split(" // ").filter_map(|part| {
        let (severity, rest) = part.split_once('[')?;
        let (slug, words) = rest.split_once(']')?;
        matches!(severity, "error" | "warning" | "note")
            .then(|| (slug.to_owned(), words.trim_start_matches(':').trim().to_owned()))
    })
}

/// Diagnostics whose policy does not fit on a page, with the reason.
const NO_POLICY: &[(&str, &str)] = &[
    ("disagreement", "a mistake of ours: no policy is known to earn it"),
    ("proof-disagreement", "a mistake of ours: no policy is known to earn it"),
    ("too-large", "what earns it is thousands of lines long"),
    ("undecided-reach", "what earns it is hundreds of patterns in front of each other"),
];

/// The pages of the catalogue: a policy that `fails` earns the diagnostic, one `mended` is clean. Named files behind a
/// policy belong to it.
pub fn explained(
    case: &Case,
    &lang::Entry { slug, mends, .. }: &lang::Entry,
) -> Result<(), Failed> {
    let mut policies: Vec<(bool, Case)> = Vec::new();
    for block in case.of("gw") {
        let named = block.name().is_some_and(|name| name.ends_with(".gw"));
        match policies.last_mut() {
            Some((_, policy)) if named => policy.blocks.push(block.clone()),
            _ => {
                let mut root = block.clone();
                root.words.truncate(1);
                policies.push((block.has("fails"), Case { blocks: vec![root], ..case.clone() }));
            }
        }
    }
    let exempt = NO_POLICY.iter().any(|(name, _)| *name == slug);
    let shows = |fails| policies.iter().any(|(found, _)| *found == fails);
    if !exempt && (!shows(true) || !shows(false)) {
        return Err(
            format!("{slug}: a page shows a policy that `fails` and the policy `mended`").into()
        );
    }
    let mut carries = false;
    for (fails, policy) in &policies {
        let folder = unpack(policy)?;
        let check = checked(folder.path())?;
        let all: Vec<String> = check
            .diags
            .iter()
            .map(|diag| gwc::report::human::render(diag, &check.sources, false))
            .collect();
        let all = all.join("\n");
        if *fails && !check.diags.iter().any(|diag| diag.slug == slug) {
            return Err(format!("{slug}: the failing policy does not earn it\n{all}").into());
        }
        let of_kind = check.diags.iter().filter(|diag| diag.slug == slug);
        carries |= of_kind.flat_map(|diag| &diag.fixes).next().is_some();
        if !*fails && check.diags.iter().any(|diag| diag.severity != lang::Severity::Note) {
            return Err(format!("{slug}: the mended policy is not clean\n{all}").into());
        }
    }
    if !exempt && carries != (mends == Mends::Carried) {
        return Err(format!("{slug}: its row says {mends:?}, its page otherwise").into());
    }
    Ok(())
}

/// What `gwc fmt` makes of the policy; formatting that again changes nothing.
pub fn formatted(case: &Case, block: &Block) -> Result<Option<Update>, Failed> {
    let policy =
        case.of("gw").next().ok_or_else(|| at(case, block, "there is no policy to format"))?;
    let once = format(&policy.text);
    if format(&once) != once {
        return Err(at(case, block, "formatting twice is not the same as once"));
    }
    compare(case, block, &once)
}

fn format(text: &str) -> String {
    let source = lang::Source::new(lang::SourceId(0), ROOT, text);
    let (tree, _) = lang::parse(&source);
    lang::format(&source, &tree)
}

/// The exact text of all reports.
pub fn diagnostics(case: &Case, block: &Block) -> Result<Option<Update>, Failed> {
    let folder = unpack(case)?;
    let check = checked(folder.path())?;
    let rendered: Vec<String> = check
        .diags
        .iter()
        .map(|diag| gwc::report::human::render(diag, &check.sources, false))
        .collect();
    let text = rendered.join("\n").replace(&format!("{}/", folder.path().display()), "");
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    compare(case, block, text.join("\n").trim_matches('\n'))
}

/// The text of the program.
pub fn program(case: &Case, block: &Block) -> Result<Option<Update>, Failed> {
    let folder = unpack(case)?;
    let program = checked(folder.path())?
        .program
        .ok_or_else(|| at(case, block, "the policy does not compile"))?;
    compare(case, block, &program.to_string())
}
