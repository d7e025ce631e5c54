//! Recorded sessions: which sectors the CPU of an emulator read and wrote, one a line.
//!
//! | Line                  | Meaning                                                                     |
//! |-----------------------|-----------------------------------------------------------------------------|
//! | `R drive sector`      | a read; drive 0 (A) to 15, sector 0 to 65,535 counted over all tracks       |
//! | `W drive sector hash` | a write; equal hashes of a sector mean equal bytes; 1 to 16 hex digits      |
//! | anything else         | a comment, in any encoding                                                  |

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A recorded session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    accesses: Vec<Access>,
}

/// One line of a session that is no comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Drive 0 (A) to 15.
    pub drive: u8,
    /// Counted over all tracks.
    pub sector: u16,
    /// What was done.
    pub operation: Operation,
}

/// What the CPU did with a sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It read the sector.
    Read,
    /// It wrote bytes of this hash.
    Write {
        /// Stands for the bytes.
        hash: u64,
    },
}

/// Why a session cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file could not be read.
    #[error("cannot read: {0}")]
    Unreadable(#[from] io::Error),
    /// It has more bytes than a session may have.
    #[error("longer than {} bytes: cut the session into shorter ones", Trace::MOST_BYTES)]
    TooLong,
    /// A line ends too early.
    #[error("line {line}: the {field} is missing")]
    Missing {
        /// Counted from 1.
        line: usize,
        /// Which part of the line.
        field: &'static str,
    },
    /// A part of a line is not what it must be.
    #[error("line {line}: `{found}` is no {field}: {rule}")]
    Invalid {
        /// Counted from 1.
        line: usize,
        /// Which part of the line.
        field: &'static str,
        /// The beginning of what is there.
        found: String,
        /// What should be there.
        rule: &'static str,
    },
    /// A line goes on after its last part.
    #[error("line {line}: `{found}` follows after the end of the access")]
    Surplus {
        /// Counted from 1.
        line: usize,
        /// The beginning of what follows.
        found: String,
    },
}

impl Trace {
    /// The longest session that is taken: some four million accesses.
    pub const MOST_BYTES: usize = 64 << 20;

    /// Reads a session from a file.
    ///
    /// # Errors
    /// [`TraceError::Unreadable`], and those of [`parse`](Self::parse).
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let mut text = Vec::new();
        // One more than allowed, so that `parse` sees that there is more.
        File::open(path)?.take(Self::MOST_BYTES as u64 + 1).read_to_end(&mut text)?;
        Self::parse(&text)
    }

    /// Reads a session from its text.
    ///
    /// # Errors
    /// [`TraceError::TooLong`], or what is wrong with the first line that is neither an access nor a comment.
    pub fn parse(text: &[u8]) -> Result<Self, TraceError> {
        if text.len() > Self::MOST_BYTES {
            return Err(TraceError::TooLong);
        }
        let numbered = (1..).zip(text.split(|&byte| byte == b'\n'));
        let accesses = numbered.filter_map(|(line, text)| Fields::new(line, text).access().transpose());
        Ok(Self { accesses: accesses.collect::<Result<_, _>>()? })
    }

    /// All accesses, in order.
    #[must_use]
    pub fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// The accesses of one drive, in order.
    #[must_use]
    pub fn of_drive(&self, drive: u8) -> Vec<Access> {
        self.accesses.iter().copied().filter(|access| access.drive == drive).collect()
    }
}

/// The parts of one line that are still to be read.
struct Fields<'a> {
    line: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn new(line: usize, rest: &'a [u8]) -> Self {
        Self { line, rest }
    }

    /// The access on this line, or `None` for a comment.
    fn access(mut self) -> Result<Option<Access>, TraceError> {
        let writes = match self.next() {
            Some(b"R") => false,
            Some(b"W") => true,
            _ => return Ok(None),
        };
        let drive = self.number("drive", "drives go from 0 to 15", |text| {
            text.parse().ok().filter(|&drive: &u8| drive < 16)
        })?;
        let sector = self.number("sector", "sectors go from 0 to 65535", |text| text.parse::<u16>().ok())?;
        let operation = if writes {
            let hash =
                self.number("hash", "1 to 16 hex digits", |text| u64::from_str_radix(text, 16).ok())?;
            Operation::Write { hash }
        } else {
            Operation::Read
        };
        match self.next() {
            None => Ok(Some(Access { drive, sector, operation })),
            Some(surplus) => Err(TraceError::Surplus { line: self.line, found: excerpt(surplus) }),
        }
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.trim_ascii_start();
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        self.rest = rest;
        (!field.is_empty()).then_some(field)
    }

    fn number<T>(
        &mut self,
        field: &'static str,
        rule: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, TraceError> {
        let line = self.line;
        let text = self.next().ok_or(TraceError::Missing { line, field })?;
        // Rust's numbers may begin with a plus sign; those of a session do not.
        let number = str::from_utf8(text).ok().filter(|text| !text.starts_with('+')).and_then(parse);
        number.ok_or_else(|| TraceError::Invalid { line, field, found: excerpt(text), rule })
    }
}

/// Enough of a field to find it by.
fn excerpt(field: &[u8]) -> String {
    const LENGTH: usize = 24;
    field.get(..LENGTH).map_or_else(
        || field.escape_ascii().to_string(),
        |beginning| format!("{}...", beginning.escape_ascii()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &[u8]) -> String {
        Trace::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn reads_writes_and_comments_are_told_apart() {
        let trace =
            Trace::parse(b"# boot\nR 0 8\r\n\n  W 15 65535 00ff\nRun\n\xff\xfe\nW 1 2 ffffffffffffffff")
                .unwrap();
        let write = |drive, sector, hash| Access { drive, sector, operation: Operation::Write { hash } };
        let expected = [
            Access { drive: 0, sector: 8, operation: Operation::Read },
            write(15, 65_535, 0xff),
            write(1, 2, u64::MAX),
        ];
        assert_eq!(trace.accesses(), expected);
        assert_eq!(trace.of_drive(15), [expected[1]]);
        assert_eq!(trace.of_drive(3), []);
    }

    #[test]
    fn nothing_is_a_session_without_accesses() {
        assert_eq!(Trace::parse(b"").unwrap(), Trace::default());
    }

    #[test]
    fn a_bad_line_is_named_with_its_number() {
        assert_eq!(message(b"R 0 0\nR 1"), "line 2: the sector is missing");
        assert_eq!(message(b"R"), "line 1: the drive is missing");
        assert_eq!(message(b"W 1 2 "), "line 1: the hash is missing");
        assert_eq!(message(b"#\n#\nR 16 0"), "line 3: `16` is no drive: drives go from 0 to 15");
        assert_eq!(message(b"R +1 0"), "line 1: `+1` is no drive: drives go from 0 to 15");
        assert_eq!(message(b"R 1 65536"), "line 1: `65536` is no sector: sectors go from 0 to 65535");
        assert_eq!(message(b"R 1 \xff"), "line 1: `\\xff` is no sector: sectors go from 0 to 65535");
        assert_eq!(message(b"W 1 0 xyz"), "line 1: `xyz` is no hash: 1 to 16 hex digits");
        assert_eq!(message(b"R 1 0 7"), "line 1: `7` follows after the end of the access");
        let endless = [b"R 1 0 ".as_slice(), &[b'9'; 1_000]].concat();
        assert_eq!(
            message(&endless),
            format!("line 1: `{}...` follows after the end of the access", "9".repeat(24))
        );
    }

    #[test]
    fn a_session_without_end_is_refused() {
        assert!(matches!(Trace::parse(&vec![b'#'; Trace::MOST_BYTES + 1]), Err(TraceError::TooLong)));
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let error = Trace::open(Path::new("no such file")).unwrap_err();
        assert!(matches!(error, TraceError::Unreadable(_)));
    }
}
