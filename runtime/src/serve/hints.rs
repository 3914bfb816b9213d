//! Interim answers (1xx) on their way from whoever hears them to the connection that waits for the final one. A handler
//! runs inside the poll of its connection; so whatever is told meanwhile is for that client, and nothing is shared.

use std::cell::{Cell, RefCell};

use crate::message::{Headers, Response};

/// Interim answers with more to say, in bytes, do not go on.
const LONGEST: usize = 16 << 10;

thread_local! {
    static LISTENS: Cell<bool> = const { Cell::new(false) };
    static HEARD: RefCell<Vec<Response>> = const { RefCell::new(Vec::new()) };
}

/// Runs a handler for a moment; what it did, and the interim answers that it heard. No request has memory for these.
pub(crate) fn listening<T>(work: impl FnOnce() -> T) -> (T, Vec<Response>) {
    struct Listens;
    impl Drop for Listens {
        fn drop(&mut self) {
            LISTENS.set(false);
            // Where the handler panicked nobody has taken them.
            HEARD.take();
        }
    }
    LISTENS.set(true);
    let _listens = Listens;
    let done = work();
    (done, HEARD.take())
}

/// Tells of an interim answer, if anybody listens; nobody does where the exchange is not that of a client. Of its fields
/// `Link` alone goes on: what a policy says of an answer is not said of what comes before it.
pub(crate) fn tell(response: &Response) {
    if !LISTENS.get() {
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
    HEARD.with_borrow_mut(|heard| heard.push(hint));
}
