//! Which parts of a setting protect, and which of their values protect more: what a comparison of two policies says of a
//! line that is not the same.

/// A part of a setting that says who is let in, whom to believe or how much is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guard {
    /// Its parameters: one, or one with those that collect what follows it.
    pub params: &'static [&'static str],
    /// Which of two values protects more.
    pub stricter: Stricter,
    /// What a block protects that has no such line.
    pub without: Without,
    /// The parameter without which it says nothing.
    pub beside: Option<&'static str>,
    /// The parameter of which it is such a part where it is not given.
    pub part: Option<(&'static str, i64)>,
}

/// Which of two values protects more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stricter {
    /// The smaller one: how much is taken.
    Less,
    /// The larger one: a version.
    More,
    /// The one with fewer items: names and networks that are believed. Networks count by the addresses in them.
    Fewer,
    /// Of more items that are believed, the ones before; of fewer nobody knows: who was told apart by what these say is
    /// taken for one of them afterwards.
    Believed,
    /// `true`.
    True,
    /// This word.
    Word(&'static str),
    /// One that is given; of two that are given and not the same nobody knows.
    Given,
    /// The types of claims that fewer tokens fit.
    Types,
    /// Nobody knows.
    Unknown,
}

/// What a block protects that has no line of a setting, compared with one that has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Without {
    /// Less.
    Less,
    /// More: the line lets something in.
    More,
    /// As much as a line that gives only what it must.
    Default,
    /// As much as a line with this value, in the language.
    Value(&'static str),
    /// As much as the block's first line of the setting; without any, less.
    First,
    /// Nobody knows.
    Unknown,
}

impl Guard {
    /// A guard of one parameter.
    pub const fn of(
        params: &'static [&'static str],
        stricter: Stricter,
        without: Without,
    ) -> Guard {
        Guard { params, stricter, without, beside: None, part: None }
    }

    /// The same, of a line that gives this parameter too.
    pub const fn beside(self, param: &'static str) -> Guard {
        Guard { beside: Some(param), ..self }
    }

    /// The same, of a number that is one of `parts` of another one where it is not given.
    pub const fn or_part(self, param: &'static str, parts: i64) -> Guard {
        Guard { part: Some((param, parts)), ..self }
    }
}

/// What a header field of a message is to protection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shield {
    /// Where it is said, a client is held to something: `content-security-policy`.
    Holds,
    /// Where it is said, others are let in: `access-control-allow-origin`.
    Opens,
    /// Where the policy says it, nobody learns what the upstream says of itself: `server`.
    Hides,
}
