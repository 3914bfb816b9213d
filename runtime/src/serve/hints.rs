//! Interim answers (1xx) on their way from whoever hears them to the connection that waits for the final one. A handler
//! runs inside the poll of its connection; so whatever is told meanwhile is for that client, and nothing is shared.

use std::cell::{Cell, RefCell};

use crate::message::{Headers, Response};

/// Interim answers with more to say, in bytes, do not go on.
const LONGEST: usize = 16 << 10;

/// Whether anybody listens, and has heard something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Deaf,
    Listens,
    Heard,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Deaf) };
    static HEARD: RefCell<Vec<Response>> = const { RefCell::new(Vec::new()) };
}

/// Listens while a handler runs for a moment. No request has memory for what is heard.
pub(crate) struct Listening(());

impl Listening {
    pub(crate) fn begin() -> Listening {
        STATE.set(State::Listens);
        Listening(())
    }

    /// The interim answers that were heard; nearly always there are none.
    pub(crate) fn end(self) -> Vec<Response> {
        match STATE.get() {
            State::Heard => HEARD.take(),
            State::Deaf | State::Listens => Vec::new(),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Where the handler panicked nobody has taken them.
        if STATE.replace(State::Deaf) == State::Heard {
            HEARD.take();
        }
    }
}

/// Tells of an interim answer, if anybody listens; nobody does where the exchange is not that of a client. Of its fields
/// `Link` alone goes on: what a policy says of an answer is not said of what comes before it.
pub(crate) fn tell(response: &Response) {
    if STATE.get() == State::Deaf {
        return;
    }
    let links = response.headers.all("link").map(<[u8]>::len);
    if links.sum::<usize>() > LONGEST {
        return;
    }
    let mut headers = Headers::new();
    for link in response.headers.all("link") {
        // It was a field value when it was read.
        let _ = headers.append("link", link);
    }
    let hint = Response { status: response.status, headers, version: response.version };
    STATE.set(State::Heard);
    HEARD.with_borrow_mut(|heard| heard.push(hint));
}
