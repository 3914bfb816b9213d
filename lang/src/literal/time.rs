//! Points in time, as RFC 3339 writes them.

use crate::diag::Diag;
use crate::diag::bad_literal::bad_literal;
use crate::source::Span;

/// Seconds since the epoch. Only whole seconds, with `Z` or an offset.
pub(super) fn time(text: &str, span: Span) -> Result<i64, Box<Diag>> {
    parse(text).ok_or_else(|| {
        Box::new(bad_literal(
            span,
            format!("`{text}` is not a point in time"),
            "a time as in `2026-01-31T12:00:00Z` belongs here",
        ))
    })
}

fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if !shape.iter().all(|&(at, byte)| bytes.get(at) == Some(&byte)) {
        return None;
    }
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let part = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let offset = match text.get(19..)? {
        "Z" | "z" => 0,
        other => {
            let sign = match other.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            if other.len() != 6 || other.as_bytes().get(3) != Some(&b':') {
                return None;
            }
            let (hours, minutes) = (part(20, 22)?, part(23, 25)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 3600 + minutes * 60)
        }
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > days || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since the epoch of a civil date, counting years from March (Howard Hinnant's algorithm).
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let since = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(since * 86_400 + hour * 3600 + minute * 60 + second.min(59) - offset)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn civil_dates_count_from_the_epoch() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2026-01-31T12:00:00+01:00"), Some(1_769_857_200));
        assert_eq!(parse("2026-02-29T00:00:00Z"), None);
    }
}
