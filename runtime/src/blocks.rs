//! What can be configured: for each kind of item its row, beside the plain data that its lines are read into.
//! Nothing here opens, binds or resolves anything.

use compiler::program::Setting;
use lang::Span;
use lang::vocab::{Argument, Block, ExprId};

use crate::{actions, auth, upstream};

pub mod listener;

pub use listener::ListenerConfig;

/// The row of every item that configures something. The lines of upstreams and auths stand beside what they tend, a
/// limit's beside what counts.
pub static ROWS: &[&Block] = &[&listener::ROW, &upstream::BLOCK, &actions::LIMIT, &auth::jwt::ROW];

/// A line of an item whose value cannot be used, found once inputs are bound.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BlockError {
    /// The line.
    pub span: Span,
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl BlockError {
    /// An error at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> BlockError {
        BlockError { span, message: message.into(), help: None }
    }

    /// Says what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> BlockError {
        self.help = Some(help.into());
        self
    }
}

/// What `params!` gives a struct for reading its arguments.
type Decoding<T> = fn(&[Argument]) -> Result<T, (usize, String)>;

/// Reads a line into the struct of its parameters: `decode` is the struct's own, `params` its rows.
pub(crate) fn read_line<T>(
    setting: &Setting,
    params: &[lang::vocab::Param],
    decode: Decoding<T>,
    argument: &dyn Fn(ExprId) -> Argument,
) -> Result<T, BlockError> {
    let arguments: Vec<Argument> = setting.args.iter().map(|arg| argument(*arg)).collect();
    decode(&arguments).map_err(|(at, reason)| {
        let of = params.get(at).map_or("?", |param| param.name);
        let help = params.get(at).and_then(|param| param.hint).map(str::to_owned);
        let message = format!("`{of}` of `{}`: {reason}", setting.name);
        BlockError { help, ..BlockError::new(setting.span, message) }
    })
}
