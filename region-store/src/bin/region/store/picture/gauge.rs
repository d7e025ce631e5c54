//! A bar that shows how much of something is used.

const CELLS: usize = 20;

/// A bar with marks at some percents. Whatever is used shows.
pub(super) fn gauge(used: u64, whole: u64, marks: &[u8]) -> String {
    let cells = u128::from(used) * CELLS as u128;
    let filled = usize::try_from(cells.div_ceil(u128::from(whole.max(1)))).unwrap_or(CELLS);
    let cell = |cell: usize| {
        if marks.iter().any(|&mark| usize::from(mark) * CELLS / 100 == cell) {
            '|'
        } else if cell < filled {
            '#'
        } else {
            '.'
        }
    };
    let cells: String = (0..CELLS).map(cell).collect();
    format!("[{cells}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_shows_what_is_used_and_its_marks() {
        for (used, whole, marks, expected) in [
            (0, 100, &[][..], "[....................]"),
            (1, u64::MAX, &[], "[#...................]"),
            (50, 100, &[], "[##########..........]"),
            (100, 100, &[], "[####################]"),
            (9, 8, &[], "[####################]"),
            (1, 0, &[], "[####################]"),
            (0, 0, &[25, 40], "[.....|..|...........]"),
            (30, 100, &[25, 40], "[#####|..|...........]"),
            (u64::MAX, u64::MAX, &[100], "[####################]"),
        ] {
            assert_eq!(gauge(used, whole, marks), expected, "{used} of {whole}");
        }
    }
}
