//! What holds of every mend, whatever the mistake: tried on the policies of the catalogue and on examples that lack a word.

use std::path::Path;

use lang::diag::CATALOGUE;
use lang::{Source, SourceId};

use super::*;

/// Files of a policy by name, the first one first.
type Files = Vec<(String, String)>;

/// Of the words of the examples every so many-th is left out, each in a policy of its own.
const STRIDE: usize = 5;

#[test]
fn policies_of_the_catalogue_are_mended_without_harm() {
    for entry in CATALOGUE {
        for (at, files) in failing(entry.explain).iter().enumerate() {
            harmless(files, &format!("{} {at}", entry.slug));
        }
    }
}

#[test]
fn an_example_that_lacks_a_word_is_mended_without_harm() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut at = 0;
    for name in ["canary", "hosts", "internal", "quickstart", "spa"] {
        let mut files: Files = Vec::new();
        for entry in std::fs::read_dir(examples.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "gw") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
        files.sort_by_key(|(name, _)| name != "gateway.gw");
        for file in 0..files.len() {
            for word in words(&files[file].1) {
                at += 1;
                if at % STRIDE == 0 {
                    let mut lacking = files.clone();
                    lacking[file].1.replace_range(word.clone(), "");
                    harmless(&lacking, &format!("{name} without {:?}", &files[file].1[word]));
                }
            }
        }
    }
}

/// A policy whose every word protects something or says where it goes.
const GUARDED: &str = r#"edition 2026
listener web { bind ":8080" }
upstream app { server "127.0.0.1:3000", weight=2 }
upstream back {
  server "127.0.0.1:3001"
  timeout connect=1s // near by
}
let office = [10.0.0.0/8, 192.0.2.1]
limit caller { key client.ip; allow 10/s, burst=5 }
policy staff {
  // Those of the house.
  require client.ip in office, else=403
  require req.header["x-team"] ?? "" == "a" or req.method == GET, else=404, body="no"
}
route admin on web {
  path "/admin/**"
  method GET, POST
  where req.host == "shop.example" and not (req.query["q"] is present)
  apply staff
  require matches(req.path, re"^/admin/[a-z]+$")
  set up.header["x-from"] = "{client.ip}"
  forward back, timeout=2s
}
route hook on web { path "/hook/{id: Int}"; apply caller; require id > 3; rewrite "/h"; forward app }
route all on web { forward app; set resp.header["x-frame-options"] = "DENY" }
assert kept {
  for req where req.host == "evil.example"
  expect not sent(back)
}
"#;

/// Of the mistakes that are made in this policy every so many-th is tried.
const OF_MISTAKES: usize = 37;

#[test]
fn what_is_no_part_of_a_mistake_is_still_code_behind_its_mend() {
    // What is written in front of a word, and cannot stand there.
    const NOISE: [&str; 16] = [
        "/* a */",
        "/* a\n * b */",
        "\n# a\n",
        ";",
        ",",
        "{",
        "}",
        "(",
        ")",
        "]",
        "\"",
        "'",
        "=",
        "&&",
        "!",
        "=>",
    ];
    // What other languages write instead of a word.
    const INSTEAD: [(&str, &[&str]); 9] = [
        ("and", &["&&", ",", "AND", "\n    and"]),
        ("or", &["||", "\n    or"]),
        ("not", &["!"]),
        ("==", &["=", "===", "eq"]),
        ("=", &["==", ":", " "]),
        (",", &["", ";", ", ,"]),
        (";", &["", ",", ";;", " // a\n", " # a\n"]),
        ("require", &["requre", "require require", "if"]),
        ("forward", &["proxy_pass", "forward to"]),
    ];
    let words = words(GUARDED);
    let mut mistakes: Vec<(usize, String)> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let text = &GUARDED[word.clone()];
        mistakes.push((at, String::new()));
        mistakes.push((at, format!("{text} {text}")));
        mistakes.extend(NOISE.iter().map(|noise| (at, format!("{noise} {text}"))));
        let instead =
            INSTEAD.iter().filter(|(ours, _)| *ours == text).flat_map(|(_, theirs)| *theirs);
        mistakes.extend(instead.map(|theirs| (at, (*theirs).to_owned())));
        if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            let quoted = ["'", "`", "\"'"].map(|quote| format!("{quote}{inner}{quote}"));
            let halves = [inner.to_owned(), format!("\"{inner}"), format!("{inner}\"")];
            mistakes.extend(quoted.into_iter().chain(halves).map(|written| (at, written)));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.gw");
    let (mut n_mended, mut lost) = (0, Vec::new());
    for (at, written) in mistakes.iter().step_by(OF_MISTAKES) {
        let mut broken = GUARDED.to_owned();
        broken.replace_range(words[*at].clone(), written);
        std::fs::write(&path, &broken).unwrap();
        let mended = mend(std::slice::from_ref(&path)).unwrap();
        let Some(text) = mended.texts.values().next().filter(|_| !mended.done.is_empty()) else {
            continue;
        };
        n_mended += 1;
        let others = words.iter().enumerate().filter(|(other, _)| other != at);
        let others = others.flat_map(|(_, word)| GUARDED[word.clone()].chars());
        let mut left = code(text).into_iter();
        let mut kept = String::new();
        for letter in others.filter(|letter| !letter.is_whitespace()) {
            if !left.any(|left| left == letter) {
                let titles: Vec<&String> = mended.done.iter().map(|done| &done.title).collect();
                lost.push(format!(
                    "{written:?} at word {at}, behind {kept:?}, by {titles:?}:\n{text}"
                ));
                break;
            }
            kept.push(letter);
        }
    }
    assert!(n_mended > 20, "{n_mended} mended");
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// A mend leaves fewer mistakes, touches nothing that nothing is said of, and is done after one run.
fn harmless(files: &Files, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let first = [folder.path().join(&files[0].0)];
    let checks = load::check_all(&first).unwrap();
    let before = Faults::of(&checks);
    let mended = mend(&first).unwrap();
    let after = Faults::of(&mended.checks);
    let (most, left) = (before.up_to(before.sight()), after.up_to(before.sight()));
    assert!(left <= most, "{what}: {left} mistakes after {most}");
    if !mended.done.is_empty() {
        assert!((left, after.remarks) < (most, before.remarks) || left < most, "{what}: in vain");
    }
    for (path, text) in &mended.texts {
        std::fs::write(path, text).unwrap();
    }
    assert!(mend(&first).unwrap().done.is_empty(), "{what}: a second run mends more");
    // Once all errors are gone, what is only remarked is mended too.
    if after.up_to(3) == 0 {
        return;
    }
    for check in &checks {
        for (file, source) in check.files.iter().zip(check.sources.iter()) {
            let Some(text) = mended.texts.get(&load::canonical(file)) else { continue };
            for item in untold(check, source) {
                assert!(text.contains(item), "{what}: this was touched:\n{item}");
            }
        }
    }
}

/// The items of a file of which nothing is said.
fn untold<'s>(check: &Check, source: &'s Source) -> Vec<&'s str> {
    let (tree, _) = lang::parse(source);
    let starts: Vec<usize> = tree.pieces().iter().map(|piece| piece.start() as usize).collect();
    let ends = starts.iter().copied().skip(1).chain([source.text.len()]);
    let labels = check.diags.iter().flat_map(|diag| &diag.labels);
    let own = labels.filter(|label| label.span.source == source.id);
    let places: Vec<usize> = own.map(|label| label.span.start as usize).collect();
    let is_told = |item: &std::ops::Range<usize>| {
        places.iter().any(|place| (item.start..=item.end).contains(place))
    };
    let items = starts.iter().copied().zip(ends).map(|(start, end)| start..end);
    items.filter(|item| !is_told(item)).map(|item| source.text[item].trim()).collect()
}

/// The policies of a page that are to fail.
fn failing(page: &str) -> Vec<Files> {
    let mut found: Vec<Files> = Vec::new();
    let mut is_of_it = false;
    let mut parts = page.split("```");
    parts.next();
    for block in parts.step_by(2) {
        let (head, text) = block.split_once('\n').unwrap_or((block, ""));
        let words: Vec<&str> = head.split(' ').collect();
        match words.as_slice() {
            ["gw", "fails"] => {
                is_of_it = true;
                found.push(vec![("gateway.gw".to_owned(), text.to_owned())]);
            }
            ["gw", name] if name.ends_with(".gw") && is_of_it => {
                found.last_mut().unwrap().push(((*name).to_owned(), text.to_owned()));
            }
            _ => is_of_it = false,
        }
    }
    found
}

/// The letters and marks of a text, without comments.
fn code(text: &str) -> Vec<char> {
    let source = Source::new(SourceId(0), "example.gw", text);
    let (tree, _) = lang::parse(&source);
    let leaves = tree.leaves().filter(|leaf| !matches!(leaf.kind(), Kind::Comment | Kind::Doc));
    let letters = leaves.flat_map(|leaf| text[leaf.span().range()].chars());
    letters.filter(|letter| !letter.is_whitespace()).collect()
}

/// The words and marks of a text, strings whole, without comments.
fn words(text: &str) -> Vec<std::ops::Range<usize>> {
    let source = Source::new(SourceId(0), "example.gw", text);
    let (tree, _) = lang::parse(&source);
    let leaves = tree.leaves().map(|leaf| leaf.span().range());
    leaves
        .filter(|leaf| {
            let word = text[leaf.clone()].trim();
            !word.is_empty() && !word.starts_with("//")
        })
        .collect()
}
