//! Looking on while a request is served, as the account of a policy's own tests does. Who looks on changes nothing, and
//! where requests are real nobody does.

use compiler::ListenerId;

use crate::engine::Statement;
use crate::exchange::Exchange;

/// Somebody who looks on.
pub(crate) trait Watch {
    /// It is decided which route of the listener answers, or that none does.
    fn decided(&self, ex: &Exchange, listener: ListenerId);

    /// A statement is about to run.
    fn reached(&self, ex: &Exchange, statement: &Statement);
}
