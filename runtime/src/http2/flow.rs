//! Windows (RFC 9113 section 5.2): how much content may be sent, and how much a client may send.

/// The window that both sides begin with (RFC 9113 section 6.9.2).
pub(super) const INITIAL: u32 = 65_535;

/// The size of a window. A change of settings can make it negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window(i32);

/// The window would be larger than 2^31 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

impl Window {
    /// A window of `size` bytes, at most 2^31 - 1.
    pub(super) fn new(size: u32) -> Window {
        Window(i32::try_from(size).unwrap_or(i32::MAX))
    }

    /// The bytes that may be sent now.
    pub(super) fn open(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// Takes `len` bytes; false if it is not open that far.
    pub(super) fn take(&mut self, len: usize) -> bool {
        let fits = len <= self.open();
        if fits {
            self.0 -= i32::try_from(len).unwrap_or(0);
        }
        fits
    }

    /// Opens it by `more`.
    pub(super) fn widen(&mut self, more: u32) -> Result<(), Overflow> {
        self.shift(i64::from(more))
    }

    /// Moves it, as a new initial size does.
    pub(super) fn shift(&mut self, by: i64) -> Result<(), Overflow> {
        self.0 = i32::try_from(i64::from(self.0) + by).map_err(|_| Overflow)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_bounds() {
        let mut window = Window::new(10);
        assert!(window.take(4) && !window.take(7) && window.open() == 6);
        assert_eq!(window.shift(-10), Ok(()));
        assert!(window.open() == 0 && !window.take(1) && window.take(0));
        assert_eq!(window.widen(5), Ok(()));
        assert_eq!(window.open(), 1);
        assert_eq!(window.widen(0x7fff_ffff), Err(Overflow));
        assert_eq!(window.open(), 1);
    }
}
