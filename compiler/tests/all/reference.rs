//! A world small enough to go through: which requests each route takes, and from that the order, as the language
//! reference says it. The compiler must say the same.

fn _placeholder() {}
