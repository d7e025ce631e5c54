//! Text for people.

const NAME_WIDTH: usize = 24;
const COLUMN_WIDTH: usize = 18;

/// A title, then cells below each other.
pub fn line(title: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells: String = cells.into_iter().map(|cell| format!("{cell:>COLUMN_WIDTH$}")).collect();
    format!("{title:<NAME_WIDTH$}{cells}").trim_end().to_owned() + "\n"
}

/// A number with commas between thousands.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let leading = digits.len() % 3;
    let mut grouped = digits[..leading].to_owned();
    for thousand in digits.as_bytes()[leading..].chunks(3) {
        if !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.extend(thousand.iter().map(|&digit| char::from(digit)));
    }
    grouped
}
