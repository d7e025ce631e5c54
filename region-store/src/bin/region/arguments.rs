//! What can be asked for.

use std::borrow::Cow;
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};

use crate::store::arguments::Store;
use crate::store::help;

pub(crate) enum Command {
    Help(Cow<'static, str>),
    Inspect(Inspect),
    Verify(Verify),
    Recover(Recover),
    Cat(Cat),
    Bench(Bench),
    Store(Store),
}

pub(crate) struct Inspect {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) json: bool,
}

pub(crate) struct Verify {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

pub(crate) struct Recover {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    pub(crate) force: bool,
    pub(crate) json: bool,
}

pub(crate) struct Cat {
    pub(crate) file: PathBuf,
    pub(crate) blobs: Option<Range<u64>>,
    pub(crate) framing: Framing,
}

/// What tells one blob from the next in the output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Newline,
    Length,
    Raw,
}

pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) blob_length: u64,
    pub(crate) json: bool,
}

const HELP: &str = "\
Looks at region files and journals.

    region inspect FILE...     what is in them
    region verify FILE...      whether every byte is the one that was written
    region cat FILE            its blobs
    region recover FROM TO     what is whole of FROM, as a new region
    region bench [FOLDER]      how quickly regions are written and read there
    region store ...           keeps many slices, which are datasets of several regions, on several disks

region COMMAND --help tells more. Exit codes:
  0  all is well
  1  a file is damaged, or not sealed
  2  the arguments make no sense
  3  the operating system refused something: what, is said";

const INSPECT: &str = "\
Tells what is in region files and journals. Every block is read, but nothing is changed.

    region inspect [--json] FILE...

  --json    an object a file, one a line

A file that was not completed, or a journal, is told as far as it is whole. Exits with 1 if one is damaged.

    region inspect /data/regions/00/*.region
    region inspect --json 1.region | jq .blobs";

const VERIFY: &str = "\
Checks every rule and every checksum of sealed regions, reading each file once.

    region verify [--quiet] [--json] FILE...

  --quiet   says nothing of files that are whole
  --json    an object a file, one a line

On a terminal, a bar shows how far it is. Exits with 1 if one file is damaged, or is not sealed: a journal, or a region
that was not completed. Files of version 1 have no checksums: of them, only the lengths are checked.

    region verify --quiet /data/regions/*/*.region && echo all are whole";

const RECOVER: &str = "\
Copies what is whole at the start of a damaged or unfinished file, or of a journal, into a new region, and seals that.

    region recover [--force] [--json] FROM TO

  --force   take what is before the damage, though something whole comes after it in a journal
  --json    an object that says what was found

FROM is never changed, and TO must not exist. Says where the damage is and how many blobs came before it. Exits with 0 if
TO is complete, however little is in it.

    region recover 00.region.part 00.region
    region recover --force /data/journal/17.region rescued.region";

const CAT: &str = "\
Writes blobs of a sealed region to the standard output. Each block is checked before any of it is written.

    region cat [--blobs FIRST..END | --blob NUMBER] [--framing newline|length|raw] FILE

  --blob NUMBER        only this one; the first is number 0
  --blobs FIRST..END   those from FIRST on and before END; either can be left out
  --framing newline    each blob and a newline: for text, and what is done if nothing is said
  --framing length     each blob behind its length, an i32 in little-endian, as in files of version 1
  --framing raw        one after the other

    region cat --blob 812 --framing raw 00.region > blob
    region cat 00.region | grep warning";

const BENCH: &str = "\
Times regions of both versions in a folder: durable writes, scans and lookups. What it writes, it removes.

    region bench [--bytes N] [--blob-length N] [--json] [FOLDER]

  --bytes N         bytes of blobs, 400M if nothing is said; k, M and G are understood
  --blob-length N   bytes of each, 200 if nothing is said
  --json            an object a version, one a line
  FOLDER            where; here, if nothing is said

    region bench --bytes 1G --blob-length 2k /data";

pub(crate) fn parse(mut parser: Parser) -> Result<Command, Error> {
    let name = match parser.next()? {
        None | Some(Long("help") | Short('h')) => return Ok(Command::Help(HELP.into())),
        Some(Value(name)) => name.string()?,
        Some(argument) => return Err(argument.unexpected()),
    };
    let command: fn(Given) -> Result<Command, Error> = match name.as_str() {
        "inspect" => |given| Ok(Command::Inspect(Inspect { json: given.json, files: given.files()? })),
        "verify" => |given| {
            Ok(Command::Verify(Verify { json: given.json, quiet: given.quiet, files: given.files()? }))
        },
        "recover" => |given| {
            let (force, json) = (given.force, given.json);
            let [from, to] = given.paths()?;
            Ok(Command::Recover(Recover { from, to, force, json }))
        },
        "cat" => |given| {
            let (blobs, framing) = (given.blobs.clone(), given.framing);
            let [file] = given.paths()?;
            Ok(Command::Cat(Cat { file, blobs, framing }))
        },
        "bench" => |given| {
            let (bytes, blob_length, json) = (given.bytes, given.blob_length, given.json);
            let folder = if given.values.is_empty() {
                PathBuf::from(".")
            } else {
                given.paths::<1>()?.into_iter().collect()
            };
            Ok(Command::Bench(Bench { folder, bytes, blob_length, json }))
        },
        "store" => {
            let store = Store::parse(parser)?;
            return Ok(store.map_or_else(|| Command::Help(help::of_store().into()), Command::Store));
        }
        "help" => return Ok(Command::Help(HELP.into())),
        _ => return Err(format!("there is no command `{name}`").into()),
    };
    match Given::parse(parser, &name)? {
        Some(given) => command(given),
        None => Ok(Command::Help(help_of(&name).into())),
    }
}

fn help_of(command: &str) -> &'static str {
    match command {
        "inspect" => INSPECT,
        "verify" => VERIFY,
        "recover" => RECOVER,
        "cat" => CAT,
        "bench" => BENCH,
        _ => HELP,
    }
}

/// What was given to a command.
struct Given {
    json: bool,
    quiet: bool,
    force: bool,
    blobs: Option<Range<u64>>,
    framing: Framing,
    bytes: u64,
    blob_length: u64,
    values: Vec<OsString>,
}

impl Given {
    /// `None` if help is asked for.
    fn parse(mut parser: Parser, command: &str) -> Result<Option<Self>, Error> {
        let mut given = Self {
            json: false,
            quiet: false,
            force: false,
            blobs: None,
            framing: Framing::Newline,
            bytes: 400_000_000,
            blob_length: 200,
            values: Vec::new(),
        };
        while let Some(argument) = parser.next()? {
            match (argument, command) {
                (Long("help") | Short('h'), _) => return Ok(None),
                (Long("json"), "inspect" | "verify" | "recover" | "bench") => given.json = true,
                (Long("quiet"), "verify") => given.quiet = true,
                (Long("force"), "recover") => given.force = true,
                (Long("blob"), "cat") => {
                    let number: u64 = parser.value()?.parse()?;
                    given.blobs = Some(number..number.saturating_add(1));
                }
                (Long("blobs"), "cat") => given.blobs = Some(parser.value()?.parse_with(range)?),
                (Long("framing"), "cat") => given.framing = parser.value()?.parse_with(framing)?,
                (Long("bytes"), "bench") => given.bytes = parser.value()?.parse_with(bytes)?,
                (Long("blob-length"), "bench") => {
                    given.blob_length = parser.value()?.parse_with(blob_length)?;
                }
                (Value(value), _) => given.values.push(value),
                (argument, _) => return Err(argument.unexpected()),
            }
        }
        Ok(Some(given))
    }

    fn files(self) -> Result<Vec<PathBuf>, Error> {
        if self.values.is_empty() {
            return Err("a file is missing".into());
        }
        Ok(self.values.into_iter().map(PathBuf::from).collect())
    }

    fn paths<const N: usize>(self) -> Result<[PathBuf; N], Error> {
        let given = self.values.len();
        let paths: Vec<PathBuf> = self.values.into_iter().map(PathBuf::from).collect();
        paths.try_into().map_err(|_| format!("{N} paths are needed, {given} are given").into())
    }
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str, otherwise| if text.is_empty() { Ok(otherwise) } else { text.parse() };
    let ends = text
        .split_once("..")
        .and_then(|(first, end)| Some(number(first, 0).ok()?..number(end, u64::MAX).ok()?));
    ends.ok_or_else(|| format!("`{text}` is no range like 5..10"))
}

pub(crate) fn framing(text: &str) -> Result<Framing, String> {
    match text {
        "newline" => Ok(Framing::Newline),
        "length" => Ok(Framing::Length),
        "raw" => Ok(Framing::Raw),
        _ => Err(format!("`{text}` is none of newline, length and raw")),
    }
}

/// A number of bytes, not 0.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'M', 'G']) {
        Some(digits) if text.ends_with('k') => (digits, 1_000),
        Some(digits) if text.ends_with('M') => (digits, 1_000_000),
        Some(digits) => (digits, 1_000_000_000),
        None => (text, 1),
    };
    let bytes =
        digits.parse().ok().and_then(|number: u64| number.checked_mul(unit)).filter(|&bytes| bytes > 0);
    bytes.ok_or_else(|| format!("`{text}` is no number of bytes like 400M"))
}

/// A number of bytes that one blob may have: all of it is in memory.
fn blob_length(text: &str) -> Result<u64, String> {
    match bytes(text)? {
        length if length <= 1_000_000_000 => Ok(length),
        _ => Err(format!("`{text}` is too long for a blob: at most 1G")),
    }
}
