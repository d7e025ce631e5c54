//! Numbers and names as people, and as JSON, read them.

use std::time::Duration;

/// With commas between thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share in percent, or a dash of nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.2} %", 100.0 * part as f64 / whole as f64) }
}

/// A time span, no more precise than one feels it.
#[must_use]
pub fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", grouped(seconds / 3_600), seconds / 60 % 60),
    }
}

/// Between quotation marks, as JSON wants it.
#[must_use]
pub fn json_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..' ' => quoted += &format!("\\u{:04x}", u32::from(character)),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1_000, 27_889, 1_234_567].map(grouped),
            ["0", "999", "1,000", "27,889", "1,234,567"]
        );
    }

    #[test]
    fn shares_and_times_are_short() {
        assert_eq!((percent(1, 3), percent(0, 0)), ("33.33 %".to_owned(), "-".to_owned()));
        let spoken = [0, 59_940, 60_000, 3_599_999, 360_000_000].map(|ms| spoken(Duration::from_millis(ms)));
        assert_eq!(spoken, ["0.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "100 h 0 min"]);
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(json_string("a\"b\\c\n§"), r#""a\"b\\c\u000a§""#);
    }
}
