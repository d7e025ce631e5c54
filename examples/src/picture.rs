//! A disk as a picture of text: a column for each track, its sectors from top to bottom.

use std::io::{IsTerminal, stdout};

use sector_cache::Geometry;

use crate::{Access, Operation, grouped};

/// Whether escape codes may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Only text.
    Plain,
    /// Text and ANSI colours.
    Ansi,
}

impl Colour {
    /// Colours for a terminal that has them, unless `NO_COLOR` is set.
    #[must_use]
    pub fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if stdout().is_terminal() && !unwanted && !dumb { Self::Ansi } else { Self::Plain }
    }

    /// `text` in one of the 256 colours of a terminal.
    #[must_use]
    pub fn paint(self, number: u8, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[38;5;{number}m{text}\x1b[0m"),
        }
    }
}

/// How often each part of a disk was read: a character for four sectors of a track.
#[derive(Clone, Debug)]
pub struct HeatMap {
    rows: [Vec<u64>; HEAT_ROWS],
    /// From how many reads on a cell has each of the shades; ascending.
    thresholds: [u64; SHADES.len()],
}

const HEAT_ROWS: usize = 8;
/// From cold to hot, with their colours.
const SHADES: [(char, u8); 4] = [('░', 31), ('▒', 37), ('▓', 214), ('█', 196)];
const UNREAD: (char, u8) = ('·', 240);

impl HeatMap {
    /// Counts the reads among the accesses of one drive.
    #[must_use]
    pub fn of_reads(accesses: &[Access]) -> Self {
        let shape = Shape::of(accesses);
        let mut rows = [const { Vec::new() }; HEAT_ROWS];
        rows.fill(vec![0; shape.columns()]);
        for access in accesses.iter().filter(|access| access.operation == Operation::Read) {
            let (column, sector) = shape.place(access.sector.into());
            let row = sector * HEAT_ROWS / SECTORS_PER_TRACK;
            if let Some(reads) = rows.get_mut(row).and_then(|row| row.get_mut(column)) {
                *reads += 1;
            }
        }
        let most = rows.iter().flatten().max().copied().unwrap_or(0);
        Self { rows, thresholds: thresholds(most) }
    }

    /// Its lines, 77 characters long or less.
    pub fn lines(&self, colour: Colour) -> impl Iterator<Item = String> {
        self.rows.iter().map(move |row| row.iter().map(|&reads| self.cell(reads, colour)).collect())
    }

    /// What its characters mean.
    #[must_use]
    pub fn legend(&self, colour: Colour) -> String {
        let mut legend = self.cell(0, colour) + " never";
        for threshold in self.thresholds {
            legend += &format!("   {} {}+", self.cell(threshold, colour), grouped(threshold));
        }
        legend
    }

    fn cell(&self, reads: u64, colour: Colour) -> String {
        let shades = SHADES.into_iter().zip(self.thresholds);
        let reached = shades.take_while(|&(_, threshold)| reads >= threshold).last();
        let (shade, number) = reached.map_or(UNREAD, |(shade, _)| shade);
        colour.paint(number, &shade.to_string())
    }
}

/// Each shade begins at the same multiple of the one before, for reads are very unevenly spread.
fn thresholds(most: u64) -> [u64; SHADES.len()] {
    let base = (2..u64::MAX).find(|base: &u64| base.saturating_pow(4) > most).unwrap_or(u64::MAX);
    [1, base, base.pow(2), base.pow(3)]
}

/// Which sectors of a drive are held: a dot for each, eight lines of 39 characters or less.
///
/// `accesses` say how large the disk is.
#[must_use]
pub fn dot_map(held: &[u32], accesses: &[Access]) -> [String; DOT_ROWS] {
    let shape = Shape::of(accesses);
    let mut rows = [const { Vec::new() }; DOT_ROWS];
    rows.fill(vec![0_u8; shape.columns().div_ceil(2)]);
    for &sector in held {
        let (column, sector) = shape.place(sector);
        let cell = rows.get_mut(sector / 4).and_then(|row| row.get_mut(column / 2));
        let dot = BRAILLE_DOTS.get(column % 2).and_then(|dots| dots.get(sector % 4));
        if let (Some(cell), Some(dot)) = (cell, dot) {
            *cell |= dot;
        }
    }
    rows.map(|row| {
        row.into_iter().filter_map(|dots| char::from_u32(BRAILLE_BLANK + u32::from(dots))).collect()
    })
}

const DOT_ROWS: usize = SECTORS_PER_TRACK / 4;
const BRAILLE_BLANK: u32 = 0x2800;
/// The bits of a Braille character: two columns of four dots.
const BRAILLE_DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Where a disk's sectors lie in a picture. So that it fits a terminal, a disk that is larger than the Altair's has more
/// than one track a column.
struct Shape {
    tracks: usize,
    tracks_per_column: usize,
}

const USUAL_TRACKS: usize = Geometry::ALTAIR_8_INCH.tracks() as usize;
const SECTORS_PER_TRACK: usize = Geometry::ALTAIR_8_INCH.sectors_per_track() as usize;

impl Shape {
    /// The Altair's disk, or as many tracks as the accesses need.
    fn of(accesses: &[Access]) -> Self {
        let last_sector = accesses.iter().map(|access| usize::from(access.sector)).max().unwrap_or(0);
        let tracks = USUAL_TRACKS.max(last_sector / SECTORS_PER_TRACK + 1);
        Self { tracks, tracks_per_column: tracks.div_ceil(USUAL_TRACKS) }
    }

    fn columns(&self) -> usize {
        self.tracks.div_ceil(self.tracks_per_column)
    }

    /// The column of a sector, and its number on its track.
    fn place(&self, sector: u32) -> (usize, usize) {
        let sector = sector as usize;
        (sector / SECTORS_PER_TRACK / self.tracks_per_column, sector % SECTORS_PER_TRACK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trace;

    fn accesses(session: &[u8]) -> Vec<Access> {
        Trace::parse(session).unwrap().of_drive(1)
    }

    #[test]
    fn reads_are_counted_where_they_fall() {
        let heat = HeatMap::of_reads(&accesses(b"R 1 0\nR 1 3\nR 1 3\nR 1 2463\nW 1 40 1\n"));
        let lines: Vec<String> = heat.lines(Colour::Plain).collect();
        let rest = "·".repeat(76);
        assert_eq!(lines.first(), Some(&format!("▒{rest}")));
        assert_eq!(lines.last(), Some(&format!("{rest}░")));
        assert_eq!(lines.len(), 8);
        assert_eq!(heat.legend(Colour::Plain), "· never   ░ 1+   ▒ 2+   ▓ 4+   █ 8+");
    }

    #[test]
    fn nothing_read_is_a_picture_too() {
        let heat = HeatMap::of_reads(&[]);
        assert!(heat.lines(Colour::Plain).all(|line| line == "·".repeat(77)));
    }

    #[test]
    fn each_sector_held_is_a_dot() {
        let dots = dot_map(&[0, 1, 4, 32, 2463], &[]);
        let blank = "\u{2800}".repeat(38);
        assert_eq!(dots[0], format!("⠋{blank}"));
        assert_eq!(dots[1], format!("⠁{blank}"));
        assert_eq!(dots[7], format!("{blank}⡀"));
    }

    #[test]
    fn a_larger_disk_is_drawn_smaller() {
        let large = accesses(b"R 1 65535\n");
        assert!(HeatMap::of_reads(&large).lines(Colour::Plain).all(|line| line.chars().count() == 76));
        assert_eq!(dot_map(&[65_535], &large)[7].chars().last(), Some('⢀'));
    }

    #[test]
    fn colours_are_only_added() {
        assert_eq!(Colour::Plain.paint(31, "x"), "x");
        assert_eq!(Colour::Ansi.paint(31, "x"), "\x1b[38;5;31mx\x1b[0m");
    }
}
