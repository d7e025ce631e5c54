//! Text that keeps to a width.

/// Breaks a text between words, and within those that are too long. All lines but the first are indented.
pub(super) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(1);
    let mut lines = vec![String::new()];
    let mut left = width.max(1);
    for word in text.split_inclusive(' ') {
        let mut word: &str = word;
        // The space behind a word may be beyond the width.
        if word.trim_end().chars().count() > left && left < room {
            lines.push(String::new());
            left = room;
        }
        while word.trim_end().chars().count() > left {
            let (start, rest) = word.split_at(word.char_indices().nth(left).map_or(word.len(), |(at, _)| at));
            push(&mut lines, start);
            lines.push(String::new());
            (word, left) = (rest, room);
        }
        push(&mut lines, word);
        left = left.saturating_sub(word.chars().count());
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_to_its_width() {
        for (text, width, expected) in [
            ("", 10, ""),
            ("one two", 7, "one two"),
            ("one two", 6, "one\n  two"),
            ("  one two", 5, "  one\n  two"),
            ("one twothree", 6, "one\n  twot\n  hree"),
            ("onetwothree", 6, "onetwo\n  thre\n  e"),
            ("éé éé", 4, "éé\n  éé"),
        ] {
            assert_eq!(wrapped(text, 2, width), expected);
        }
    }
}
