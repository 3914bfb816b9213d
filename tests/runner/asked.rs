//! What is shown of a request can be asked again: every example of a check or a comparison, and whatever `gwc why --not`
//! proposes, for the policies of all pages.

use std::path::Path;

use compiler::diff::{Comparison, compare};
use gwc::load::{self, Check};
use lang::policy::Block;
use libtest_mimic::{Failed, Trial};

use crate::blocks::policy::{ROOT, checked, unpack};
use crate::page::{self, Case};
use crate::{pages, root};

/// Requests that are to be changed, as arguments of `gwc why`.
const GIVEN: &[&[&str]] = &[
    &["GET http://shop.example/"],
    &["PUT http://any.example/a?q=1&%71=2&x=%3D", "--body", "a'b"],
    &["POST http://shop.example:8080/a/b", "-H", "content-length: 3", "--body", "abc"],
    &["DELETE http://a.example/x with content {\"a\":1} and cookie: a=b; c=d and x-a: \"\\u{a0}\""],
    &["GET https://shop.example/ with body = \"a\\n\\u{1}\" and req.body.size = 9B"],
    &["HEAD http:/// in HTTP/1.0", "--from", "10.0.0.7"],
];

/// The most routes of a policy that are wished for.
const MOST: usize = 4;

/// A test for each page.
pub fn trials() -> Vec<Trial> {
    let of = |path: std::path::PathBuf| {
        let inside = path.strip_prefix(root()).unwrap_or(&path).with_extension("");
        let title = format!("asked again: {}", inside.display());
        Trial::test(title.clone(), move || {
            let text = std::fs::read_to_string(&path)?;
            page::parse(&path, &title, &text).iter().try_for_each(ask)
        })
    };
    pages().into_iter().map(of).collect()
}

fn ask(case: &Case) -> Result<(), Failed> {
    if case.of("gw").next().is_none() || case.of("yaml").next().is_some() {
        return Ok(());
    }
    let folder = unpack(case)?;
    let failed = |what: String| -> Failed { format!("{}: {what}", case.name).into() };
    let check = checked(folder.path())?;
    if check.program.is_none() && check.unproved.is_none() {
        return Ok(());
    }
    let path = folder.path().join(ROOT);
    examples(&path, &check).map_err(failed)?;
    for block in
        case.of("gw").filter(|block| block.name().is_some_and(|name| name.ends_with(".gw")))
    {
        let other = folder.path().join(block.name().unwrap_or_default());
        if let Ok(new) = load::check(&other) {
            changes((&path, &check), (&other, &new)).map_err(failed)?;
            wishes(&other, &new).map_err(failed)?;
        }
    }
    wishes(&path, &check).map_err(failed)
}

/// The answer of `gwc why`: the route, if one answers.
fn why(policy: &Path, words: &[&str]) -> Result<(String, Option<String>), String> {
    let path = policy.to_string_lossy();
    let words: Vec<&str> = std::iter::once(&*path).chain(words.iter().copied()).collect();
    let text = gwc::why(&words).map_err(|report| format!("{words:?}: {report:?}"))?;
    let route = text.lines().find_map(|line| line.strip_prefix("route ")?.split_once(" answers ("));
    let route = route.map(|(route, _)| route.to_owned());
    Ok((text, route))
}

/// Examples of asserts that do not hold: the route that is named answers them.
fn examples(policy: &Path, check: &Check) -> Result<(), String> {
    for diag in &check.diags {
        let shown = diag.labels.iter().find_map(|label| label.text.strip_prefix("not so for `"));
        let Some(example) = shown.and_then(|shown| shown.strip_suffix('`')) else { continue };
        let (text, route) = why(policy, &[example])?;
        let told = diag.message.split(": `").nth(1).and_then(|told| told.split('`').next());
        let told =
            told.filter(|told| check.policy.routes.iter().any(|route| *route.name == **told));
        if text.starts_with("refused") || told.is_some_and(|told| route.as_deref() != Some(told)) {
            return Err(format!("`{}`, but `{example}`: {text}", diag.message));
        }
    }
    Ok(())
}

/// Examples of what two policies treat differently.
fn changes(old: (&Path, &Check), new: (&Path, &Check)) -> Result<(), String> {
    let (Some(before), Some(after)) = (&old.1.program, &new.1.program) else { return Ok(()) };
    let Comparison { changes, .. } = compare((&old.1.policy, before), (&new.1.policy, after));
    for change in changes.iter().filter(|change| change.given.is_empty()) {
        let Ok(example) = &change.example else { continue };
        let on = ["--on", &change.listener];
        // A listener that speaks another protocol than before takes the example on one side.
        if speaks_tls(old.1, on[1]) != speaks_tls(new.1, on[1]) {
            continue;
        }
        for ((path, check), outcome) in [(old, &change.old), (new, &change.new)] {
            // Who is known to the other policy alone cannot be told to this one.
            let mut all = [old.1, new.1].into_iter().flat_map(auths);
            if !all.all(|name| auths(check).any(|own| own == name)) {
                continue;
            }
            let (text, route) = why(path, &[example, on[0], on[1]])?;
            let told = outcome.route.as_ref().map(|(name, _)| &**name);
            if text.starts_with("refused") || route.as_deref() != told {
                return Err(format!("{told:?}, but `{example}`: {text}"));
            }
        }
    }
    Ok(())
}

/// Whether the listener of this name speaks TLS, if there is one.
fn speaks_tls(check: &Check, listener: &str) -> Option<bool> {
    let is = |block: &&Block| block.row.name == "listener" && *block.name == *listener;
    let block = check.policy.blocks.iter().find(is)?;
    Some(block.settings.iter().any(|setting| setting.row.name == "tls"))
}

fn auths(check: &Check) -> impl Iterator<Item = &str> {
    let is_told = |block: &&Block| !matches!(block.row.name, "listener" | "upstream");
    let blocks = check.policy.blocks.iter().filter(is_told);
    blocks.map(|block| &*block.name)
}

/// What `gwc why --not` proposes.
fn wishes(policy: &Path, check: &Check) -> Result<(), String> {
    let Some(program) = check.program.as_ref().or(check.unproved.as_ref()) else { return Ok(()) };
    // Each question proves all that is claimed.
    let most = if check.policy.asserts.is_empty() { MOST } else { 1 };
    for (at, route) in program.routes.iter().take(most).enumerate() {
        for listener in &program.listeners {
            let given = GIVEN[at % GIVEN.len()];
            let more = ["--on", &listener.name, "--not", &route.name];
            let words: Vec<&str> = given.iter().copied().chain(more).collect();
            // Not every listener takes every request.
            let Ok((text, _)) = why(policy, &words) else { continue };
            let Some((_, proposed)) = text.rsplit_once("\nthat is ") else { continue };
            let proposed = shell(proposed.trim_end_matches('\n'));
            let proposed: Vec<&str> = proposed.iter().map(String::as_str).collect();
            let (found, answers) = why(policy, &proposed)?;
            if answers.as_deref() != Some(&*route.name) {
                return Err(format!("{proposed:?} was to lead to `{}`: {found}", route.name));
            }
        }
    }
    Ok(())
}

/// Words as a shell reads them.
fn shell(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            ' ' if !quoted && !escaped => words.extend(word.take()),
            '\'' if !escaped => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if !quoted && !escaped => escaped = true,
            c => {
                escaped = false;
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    words
}
