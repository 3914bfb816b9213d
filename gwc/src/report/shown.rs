//! Text that somebody else wrote, made fit to be shown: a recorded request must not steer a terminal, break a line or
//! turn the direction of writing.

/// The text with everything escaped that is not seen, cut to so many letters.
pub fn shown(text: &str, most: usize) -> String {
    let mut seen = String::with_capacity(text.len().min(most));
    for (at, letter) in text.chars().enumerate() {
        if at >= most {
            seen.push('…');
            break;
        }
        match letter {
            letter if is_seen(letter) => seen.push(letter),
            letter => seen.extend(letter.escape_unicode()),
        }
    }
    seen
}

/// Whether a letter is written as itself: no control character, no mark that turns or joins what stands around it.
fn is_seen(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(shown("a\u{1b}[2J\u{9b}\n\u{202e}é", 20), "a\\u{1b}[2J\\u{9b}\\u{a}\\u{202e}é");
        assert_eq!(shown("abcdef", 3), "abc…");
    }
}
