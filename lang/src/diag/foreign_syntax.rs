//! Ways to write a thing that other languages have.

use super::{Diag, Entry, Mends, Severity};
use crate::source::{SourceId, Span};
use crate::syntax::Config;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0109",
    slug: "foreign-syntax",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
The language writes `and`, `or` and `not` as words, and strings in double quotes.
It is understood what was meant, and the fix writes it.

```gw fails
edition 2026

listener web { bind ':8080' }
```

```gw mended
edition 2026

listener web { bind \":8080\" }
```

The configuration of another program is no policy, and is reported as a whole. What the usual lines of it become:

| there | here |
|---|---|
| `listen 443 ssl;`, `bind *:443`, `entryPoints` | `listener web { bind \":443\"; tls cert=\"/a.pem\", key=\"/a.key\" }` |
| `upstream`, `backend`, `cluster`, `services` | `upstream app { server \"10.0.0.1:8080\" }` |
| `server_name`, `hdr(host)`, `domains`, `Host(…)`, `hostnames` | `site shop on web { host \"shop.example\"; … }` |
| `location /api/ { … }`, `path_beg /api`, `prefix: /api`, `handle /api/*` | `route api { path \"/api/**\"; … }` inside the site |
| `proxy_pass`, `use_backend`, `cluster: app`, `reverse_proxy` | `forward app` |
| `return 301 …`, `redir` | `redirect 301, \"https://{req.host}{req.target}\"` |
| `proxy_set_header X-A b;` | `set up.header[\"x-a\"] = \"b\"` in front of `forward` |
| `add_header X-A b always;` | `always { set resp.header[\"x-a\"] = \"b\" }` |
| `allow 10.0.0.0/8; deny all;` | `require client.ip in 10.0.0.0/8` |
| `limit_req`, `stick-table`, `rate-limiting` | `limit caller { key client.ip; allow 10/s }`, and `apply caller` in routes |

The order of routes means nothing here: the narrower one is tried first. Ingresses of Kubernetes are translated by
`gwc translate ingress FILE`.
",
};

/// An operator of other languages; `word` is ours.
pub fn foreign_operator(text: &str, place: Span, word: &str) -> Diag {
    let written = text.get(place.range()).unwrap_or("");
    // Marks stand without blanks, words do not; behind `not` there is none before either.
    let (head, tail) = (text.get(..place.start as usize), text.get(place.end as usize..));
    let is_apart = |next: Option<char>| next.is_none_or(char::is_whitespace);
    let begins = is_apart(head.and_then(|head| head.chars().next_back()));
    let ends = is_apart(tail.and_then(|tail| tail.chars().next()));
    let before = if begins || written == "!" { "" } else { " " };
    let behind = if ends { "" } else { " " };
    let text = format!("{before}{word}{behind}");
    ENTRY
        .at(place, format!("`{written}` is written `{word}`"), format!("write `{word}`"))
        .suggest(format!("write `{word}`"), place, text)
        // A `!` holds its operand tighter than `not` does, so what is meant may be another thing.
        .certain_if(written != "!")
}

/// What other languages write between two values, where ours has a function.
pub fn foreign_infix(place: Span, written: &str) -> Diag {
    let call = match written {
        "contains" => "contains(text, part)`, or of a list `x in list",
        "starts_with" => "starts_with(text, prefix)",
        "ends_with" => "ends_with(text, suffix)",
        "!~" => "not matches(text, re\"…\")",
        _ => "matches(text, re\"…\")",
    };
    ENTRY
        .at(place, format!("`{written}` does not stand between two values"), "no operator")
        .help(format!("call a function: `{call}`"))
}

/// A statement that other gateways and languages have; `help` says what is written here.
pub fn foreign_verb(place: Span, written: &str, help: &str) -> Diag {
    ENTRY.at(place, format!("there is no `{written}`"), "not a verb here").help(help)
}

/// What stands between two values elsewhere; `help` says what is written here, `ours` what takes its place.
pub fn foreign_word(place: Span, written: &str, ours: Option<&str>, help: &str) -> Diag {
    let diag =
        ENTRY.at(place, format!("there is no `{written}`"), "not an operator here").help(help);
    match ours {
        Some(ours) => diag.fix(format!("write `{ours}`"), place, ours),
        None => diag,
    }
}

/// A function of another language that stands between two values.
pub fn foreign_infix_word(place: Span, written: &str, help: &str) -> Diag {
    let message = format!("`{written}` does not stand between two values");
    ENTRY.at(place, message, "no operator").help(help)
}

/// The configuration of another program, from its first line.
pub(crate) fn foreign_config(place: Span, config: Config) -> Diag {
    let what = match config {
        Config::Kubernetes => "an object of Kubernetes in YAML",
        Config::Yaml => "YAML",
        Config::Json => "JSON",
        Config::Toml => "TOML",
        Config::Nginx => "a configuration of nginx",
        Config::Haproxy => "a configuration of HAProxy",
        Config::Caddy => "a Caddyfile",
        Config::Hcl => "HCL",
        Config::Cedar => "a policy in Cedar",
        Config::Rego => "a policy in Rego",
    };
    let diag = ENTRY.at(place, format!("this is {what}, and no policy"), "it begins here");
    match config {
        Config::Kubernetes => diag.help(
            "`gwc translate ingress FILE` makes a policy of Ingresses; other objects are written anew, and `gwc explain foreign-syntax` shows what with",
        ),
        Config::Cedar | Config::Rego => diag.help(
            "nothing reads it here: `require CONDITION` in a route or a `policy` refuses who may not pass, `assert NAME { for req where …; expect denied }` proves it of all requests",
        ),
        _ => diag.help(
            "nothing reads it here: it is written anew, and `gwc explain foreign-syntax` shows what the usual lines become",
        ),
    }
}

/// A comment between `/*` and `*/`, which are at `start` and `end` of the text; none where it is another comment. What
/// stands behind it in its line gets a line of its own. Where the text ends its line does, or `goes_on`.
pub(crate) fn foreign_block_comment(
    text: &str,
    start: usize,
    end: usize,
    goes_on: bool,
) -> Option<Diag> {
    let inner = text.get(start..end)?.strip_prefix("/*")?.strip_suffix("*/")?;
    let diag = foreign_comment(Span::new(SourceId(0), start, start + 2));
    let line = text.get(..start)?.rsplit('\n').next()?;
    let indent = line.get(..line.len() - line.trim_start().len())?;
    let lines = inner.lines().map(|line| line.trim().trim_start_matches('*').trim());
    let lines: Vec<String> =
        lines.filter(|line| !line.is_empty()).map(|line| format!("// {line}")).collect();
    let ours = if lines.is_empty() { "//".to_owned() } else { lines.join(&format!("\n{indent}")) };
    let behind = text.get(end..)?;
    let blanks = behind.len() - behind.trim_start_matches([' ', '\t', '\r']).len();
    let next = behind.get(blanks..)?;
    let is_last = next.starts_with('\n') || next.starts_with("//") || next.is_empty() && !goes_on;
    // Between code of one line no comment of ours fits.
    if !(is_last || line.trim().is_empty() || inner.contains('\n')) {
        return Some(diag);
    }
    Some(match is_last {
        true => diag.fix("write it with `//`", Span::new(SourceId(0), start, end), ours),
        false => {
            let place = Span::new(SourceId(0), start, end + blanks);
            diag.fix("write it with `//`", place, format!("{ours}\n{indent}"))
        }
    })
}

/// A comment between `/*` and `*/`.
pub fn foreign_comment(place: Span) -> Diag {
    ENTRY
        .at(place, "a comment begins with `//`, and ends with its line", "no comment begins so")
        .help("write `//` in front of each line of it")
}

/// A line that begins with what is no verb: with a value, or an assignment.
pub fn no_verb(place: Span, written: &str, help: &str) -> Diag {
    ENTRY
        .at(
            place,
            format!("a line begins with a verb, not with `{written}`"),
            "no verb stands before this",
        )
        .help(help)
}

/// A loop, which the language has not.
pub fn foreign_loop(place: Span) -> Diag {
    ENTRY.at(place, "statements do not repeat", "no loop here").help(
        "a list is asked by `any`, `all` and `count`; a test runs for each row by `each row = [ … ]`, its first line",
    )
}

/// A name that is imported `as` another.
pub fn foreign_alias(place: Span) -> Diag {
    ENTRY
        .at(place, "a name is imported as it is called", "no other name here")
        .help("import the whole file under a name: `use \"./net.gw\" as net`, then `net.office`")
}

/// A string in single quotes.
pub fn single_quotes(place: Span) -> Diag {
    let edit = |span| super::Edit { span, text: "\"".to_owned() };
    let edits = vec![edit(place.part(0, 1)), edit(place.part(place.len() - 1, place.len()))];
    ENTRY
        .at(place, "strings are written in double quotes", "in single quotes")
        .fix_all("use double quotes", edits)
}
