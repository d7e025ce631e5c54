//! The words of a line.

/// They are apart by white space, unless that is in quotes. Where a word begins with `#`, a comment begins.
///
/// # Errors
/// A quote that is not closed.
pub(super) fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_apart_by_space_that_is_not_quoted() {
        for (line, expected) in [
            ("", &[][..]),
            (" status  state=warm\tidle>9 ", &["status", "state=warm", "idle>9"]),
            (r#"load 1/2/3 "a b" 'c "d'e"#, &["load", "1/2/3", "a b", "c \"de"]),
            ("scan ''", &["scan", ""]),
            ("tend # and wait", &["tend"]),
            ("load a#b", &["load", "a#b"]),
            ("# nothing's here", &[]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        assert_eq!(words("scan 'a"), Err("a quote is not closed"));
    }
}
