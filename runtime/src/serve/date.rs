//! The `Date` of a response, written anew once a second on each core.

use std::cell::RefCell;
use std::time::UNIX_EPOCH;

use crate::clock;

thread_local! {
    static NOW: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Appends the current time as RFC 9110 section 5.6.7 writes it, such as
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(out: &mut Vec<u8>) {
    with_http_date(|text| out.extend_from_slice(text.as_bytes()));
}

/// Shows the same text to who has no use for a copy.
pub(crate) fn with_http_date(show: impl FnOnce(&str)) {
    let now = clock::calendar();
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    NOW.with_borrow_mut(|(at, text)| {
        if *at != second {
            *at = second;
            *text = httpdate::fmt_http_date(now);
        }
        show(text);
    });
}
