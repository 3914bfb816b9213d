//! The vocabulary: everything the language can name, one row each. A row stands beside its behaviour, wherever
//! that lives; this room defines the shape of rows and finds them by name. It declares none itself but the
//! language's own clauses.

use crate::types::Ty;
use crate::value::Value;

pub mod budget;
pub mod clauses;
pub mod decode;
pub mod guard;
pub mod identity;
mod params;
pub mod trial;

pub use decode::{Argument, Decode, Dyn, ExprId, Joint, Known, Spliced};
pub use guard::{Guard, Shield, Stricter, Without};
#[doc(hidden)]
pub use params::plain_name;

/// From when in a request's life something exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// Once a connection is accepted.
    Connection,
    /// Once a request's head is read: what routes are decided by.
    Request,
    /// In the statements of the route that answers.
    Route,
    /// After `forward` or `respond`: on the way back.
    Response,
    /// After `forward` only: there is an upstream's answer.
    Origin,
}

/// Something a policy can read (and, where it is `written`, `set` and `unset`).
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its full path: `req.header`.
    pub path: &'static str,
    /// How it is looked into: `req.header["x"]`.
    pub key: Key,
    /// The type of one reading.
    pub ty: fn() -> Ty,
    /// From when on it exists.
    pub from: Phase,
    /// How statements may change it, if they may.
    pub written: Option<Written>,
    /// One paragraph.
    pub doc: &'static str,
    /// A policy's line that uses it.
    pub example: &'static str,
}

/// How statements may change a field.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Whether what is known of a value can stand there, under this key (empty where the field has none). Of
    /// [`Known::Nothing`] it says whether anything can, of [`Value::Absent`] whether the field can be taken away. The
    /// error says what is wrong, lower case, no full stop.
    pub accepts: fn(&str, Known<'_>) -> Result<(), String>,
    /// Whether, under this key, one more can stand beside what is there.
    pub repeats: fn(&str) -> bool,
    /// What the field is to protection, under this key, if it is anything.
    pub shields: fn(&str) -> Option<Shield>,
}

/// How a field is looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// Not at all: `req.host`.
    None,
    /// By an exact name: `req.query["q"]`.
    Exact,
    /// By a token (RFC 9110, section 5.6.2) in any case, normalised to lower case: `req.header["x-user"]`.
    IgnoreCase,
    /// By the name of a cookie, which ends before the first `=` and has no blanks around it: `req.cookie["beta"]`.
    Cookie,
}

impl Key {
    /// Why no request has anything by this name, in so far as that is so.
    pub fn fault(self, name: &str) -> Option<&'static str> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        match self {
            Key::None | Key::Exact => None,
            Key::IgnoreCase => (name.is_empty() || !name.bytes().all(is_part))
                .then_some("a name is made of letters, digits and `-`"),
            Key::Cookie => (name.contains(['=', ';'])
                || name.contains(|c: char| c.is_control())
                || name.trim_ascii() != name)
                .then_some("a cookie's name ends before the first `=`, and has no `;` and no blanks around it"),
        }
    }
}

/// Makes a pattern of a function's constant arguments; none where they give none.
pub type Pattern = fn(&[Value]) -> Option<String>;

/// A pure function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// What a policy calls it.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// What it gives.
    pub returns: fn() -> Ty,
    /// One paragraph.
    pub doc: &'static str,
    /// Calls and their values, both in the language; the tests hold them to it.
    pub examples: &'static [(&'static str, &'static str)],
    /// For a test of a text against a constant, that is with a text as its first argument: a pattern that fits exactly the
    /// texts of which it is true, made of the other arguments. What is proved about a policy understands the function by it.
    pub texts: Option<Pattern>,
    /// Whether a text that it gives has no characters but those of its arguments, in either case: so it can stand in a
    /// header field where these can.
    pub keeps: bool,
    /// Its behaviour. Total: the checker has seen to the number and types of the arguments.
    pub eval: fn(&[Value]) -> Value,
}

/// A verb that does something to a request or its answer, inside a route, site or policy.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// The verb.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// How its line is written beyond plain arguments.
    pub form: Form,
    /// From which phase on it may stand.
    pub phase: Phase,
    /// Whether it ends the way in: what follows runs on the way back.
    pub ends: Ends,
    /// Whether it still means something on the way back.
    pub late: bool,
    /// The methods for whose requests it does anything; none are named where it does for all.
    pub methods: &'static [&'static str],
    /// What cannot stand together, of its arguments as far as they are known: the place of the parameter to blame, and
    /// what is wrong, lower case, no full stop.
    pub coherent: Option<Coherent>,
    /// The Boolean parameter that is known to be true in the statements behind it.
    pub asserts: Option<&'static str>,
    /// One paragraph.
    pub doc: &'static str,
    /// A policy's line that uses it.
    pub example: &'static str,
}

impl Action {
    /// The place of the parameter of this name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        place_of(self.params, name)
    }

    /// The place of the parameter that [`Action::asserts`] names.
    pub fn asserted(&self) -> Option<usize> {
        self.place_of(self.asserts?)
    }
}

fn place_of(params: &[Param], name: &str) -> Option<usize> {
    params.iter().position(|param| param.name == name)
}

/// See [`Action::coherent`]. One argument for each parameter; `None` is one that is not known yet.
pub type Coherent = fn(&[Option<&Value>]) -> Result<(), (usize, String)>;

/// How an action's line is written.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// `verb a, b, name=c`.
    Plain,
    /// `verb PLACE = value`; the place is a field that can be changed, the value its type; both are no `params`.
    Assign,
    /// As [`Form::Assign`], of a field that can stand several times: the value is one more.
    Append,
    /// `verb PLACE`.
    Place,
    /// Plain, or with `{ pattern => value }` arms in place of its first parameter.
    Arms {
        /// The type of what stands before `=>`.
        pattern: fn() -> Ty,
        /// The type of what stands behind it.
        value: fn() -> Ty,
    },
    /// Not written: `apply` puts it where it names an item of this kind. It goes on, or answers with its `status`.
    Applied,
}

/// What an action means for the statements behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// Nothing: the next one follows.
    No,
    /// An upstream answers; what follows sees `origin` and `resp`.
    Forwards,
    /// The gateway answers; what follows sees `resp`.
    Responds,
}

/// An algorithm for choosing an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Balancer {
    /// What `balance` calls it.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// One paragraph.
    pub doc: &'static str,
    /// A policy's line that uses it.
    pub example: &'static str,
}

/// An item that configures something: `listener`, `upstream`.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The item's keyword.
    pub name: &'static str,
    /// The verbs that may stand inside.
    pub settings: &'static [Setting],
    /// What two lines of a policy cannot take both.
    pub exclusive: Option<Exclusive>,
    /// What `apply` puts where it names such an item: an action without a verb of its own. Its first parameter is the
    /// item's name; the others are those of the settings, in order.
    pub applied: Option<&'static Action>,
    /// One paragraph.
    pub doc: &'static str,
    /// A whole item.
    pub example: &'static str,
}

/// What two lines of blocks of one kind cannot take both: an address.
#[derive(Clone, Copy, Debug)]
pub struct Exclusive {
    /// The setting; its first argument is what is taken.
    pub setting: &'static str,
    /// Whether two of them cannot stand in one policy.
    pub clash: fn(&Value, &Value) -> bool,
    /// What to write instead.
    pub help: &'static str,
}

/// A verb inside a block.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The verb.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// How often it may stand there.
    pub times: Times,
    /// Pairs of its parameters of which the first, where it is written, must not exceed the second.
    pub within: &'static [(&'static str, &'static str)],
    /// What of it says who is let in, whom to believe or how much is taken, and which way that protects more.
    pub guards: &'static [Guard],
    /// One paragraph.
    pub doc: &'static str,
    /// A policy's line that uses it.
    pub example: &'static str,
}

impl Setting {
    /// The place of the parameter of this name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        place_of(self.params, name)
    }
}

/// How often a setting may stand in its block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Times {
    /// At most once.
    Optional,
    /// Exactly once.
    Once,
    /// Any number.
    Any,
    /// At least once.
    Some,
    /// At most once together with every other setting of this group: `server` and `discover`.
    /// A block needs one of the group; a setting that may repeat says so in the second part.
    Group(&'static str, Repeat),
}

/// Whether a setting of a group may repeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// It stands once.
    No,
    /// It may repeat, though not mix with the others of its group.
    Yes,
}

/// A parameter of a function, action, balancer or setting.
///
/// Arguments are given by position, in the order of the rows, or by name.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: fn() -> Ty,
    /// What it is when not given, in the language; `None` and not optional means required.
    pub default: Option<&'static str>,
    /// Whether it may depend on the request. If not, it is known once inputs are bound.
    pub dynamic: bool,
    /// Whether it collects all remaining positional arguments; then it is last and a list.
    pub rest: bool,
    /// Whether it accepts a value of its type, as far as that is known. The error says what is wrong with the value,
    /// lower case, no full stop.
    pub accepts: fn(Known<'_>) -> Result<(), String>,
    /// What to write instead of a value that it does not accept.
    pub hint: Option<&'static str>,
    /// One paragraph.
    pub doc: &'static str,
}

/// A word of the language's own in a route, site or policy, such as `host` or `where`.
#[derive(Clone, Copy, Debug)]
pub struct Clause {
    /// The word.
    pub name: &'static str,
    /// One paragraph.
    pub doc: &'static str,
    /// A policy's line that uses it.
    pub example: &'static str,
}

/// Everything the language can name. Built once by the floor that knows all behaviour, and handed down.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// What can be read.
    pub fields: &'static [&'static Field],
    /// What can be called.
    pub functions: &'static [&'static Function],
    /// What can be done by a verb.
    pub actions: &'static [&'static Action],
    /// How endpoints are chosen.
    pub balancers: &'static [&'static Balancer],
    /// What can be configured.
    pub blocks: &'static [&'static Block],
    /// How some of that bounds time and tries.
    pub budgets: &'static [&'static budget::Budget],
}

impl Vocabulary {
    /// The field with exactly this path.
    pub fn field(&self, path: &str) -> Option<&'static Field> {
        self.fields.iter().find(|row| row.path == path).copied()
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&'static Function> {
        self.functions.iter().find(|row| row.name == name).copied()
    }

    /// The action of this name.
    pub fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions.iter().find(|row| row.name == name).copied()
    }

    /// The balancer of this name.
    pub fn balancer(&self, name: &str) -> Option<&'static Balancer> {
        self.balancers.iter().find(|row| row.name == name).copied()
    }

    /// The block of this keyword.
    pub fn block(&self, name: &str) -> Option<&'static Block> {
        self.blocks.iter().find(|row| row.name == name).copied()
    }
}

impl Field {
    /// Whether statements may change it.
    pub fn is_writable(&self) -> bool {
        self.written.is_some()
    }
}

impl Param {
    /// Accepts every value of its type.
    pub fn anything(_: Known<'_>) -> Result<(), String> {
        Ok(())
    }
}

impl Written {
    /// Takes every value of its type, once.
    pub const ANYTHING: Written =
        Written { accepts: |_, _| Ok(()), repeats: |_| false, shields: |_| None };
}

impl Block {
    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|row| row.name == name)
    }
}

/// The nearest of `candidates` to what was written, if it is near enough to be meant; swapped neighbours count
/// as one slip (Damerau and Levenshtein, restricted), and case counts as none.
pub fn nearest<'c>(
    written: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let written = written.to_lowercase();
    let allowed = match written.chars().count() {
        0 => return None,
        1..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let scored = candidates.into_iter().map(|name| (slips(&written, &name.to_lowercase()), name));
    let (slips, name) = scored.min()?;
    (slips <= allowed && slips < written.chars().count()).then_some(name)
}

/// Whether `written` is `near` beyond doubt: no more than two slips away, and every other candidate further.
pub fn is_plainly<'c>(
    written: &str,
    near: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> bool {
    let written = written.to_lowercase();
    let distance = slips(&written, &near.to_lowercase());
    let mut others = candidates.into_iter().filter(|name| *name != near);
    distance <= 2 && others.all(|name| slips(&written, &name.to_lowercase()) > distance)
}

fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{is_plainly, nearest};

    #[test]
    fn swapped_letters_are_one_slip() {
        assert_eq!(nearest("fowrard", ["forward", "respond"]), Some("forward"));
        assert_eq!(nearest("hsot", ["host", "path"]), Some("host"));
        assert_eq!(nearest("xyzzy", ["host", "path"]), None);
        assert_eq!(nearest("fail", ["all", "any"]), None);
    }

    #[test]
    fn what_is_as_near_to_two_is_neither() {
        assert!(is_plainly("fowrard", "forward", ["forward", "respond"]));
        assert!(!is_plainly("uset", "set", ["set", "unset"]));
    }
}
