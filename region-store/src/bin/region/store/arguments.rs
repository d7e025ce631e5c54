//! What can be asked of a store.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};
use region_store::slice::{MAX_REGIONS, Spindle};
use region_store::store::{Filter, Generation, SliceKey};

use crate::arguments::{Framing, bytes, framing};

/// A store, and what is asked of it.
pub(crate) struct Store {
    pub(crate) spindles: Vec<Spindle>,
    pub(crate) regions: Option<usize>,
    pub(crate) memory_bytes: Option<u64>,
    /// What comes of each command that is read is said as JSON.
    pub(crate) json: bool,
    /// `None` to read what is asked from the standard input.
    pub(crate) command: Option<Asked>,
}

/// A command, and how to say what comes of it.
pub(crate) struct Asked {
    pub(crate) command: Command,
    pub(crate) json: bool,
}

pub(crate) enum Command {
    Help,
    Status(Filter),
    Search(Filter),
    Load(Load),
    Scan(Scan),
    Down(Step, Filter),
    Tend,
}

pub(crate) struct Load {
    pub(crate) key: SliceKey,
    pub(crate) generation: Option<Generation>,
    pub(crate) source: Source,
}

/// Where the blobs of a slice are.
pub(crate) enum Source {
    Regions(Vec<PathBuf>),
    /// A blob a line.
    Lines(PathBuf),
    /// The lines of the standard input.
    Input,
    /// What was published in a store of objects, by its URL.
    Objects(String),
}

pub(crate) struct Scan {
    pub(crate) key: SliceKey,
    /// To write the blobs, and not to count them.
    pub(crate) print: Option<Framing>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Evict,
    Flush,
    Erase,
}

impl Store {
    /// `None` if help is asked for.
    pub(crate) fn parse(mut parser: Parser) -> Result<Option<Self>, Error> {
        let mut store =
            Self { spindles: Vec::new(), regions: None, memory_bytes: None, json: false, command: None };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(None),
                Long("spindle") => store.spindles.push(spindle(&parser.value()?)?),
                Long("regions") => store.regions = Some(parser.value()?.parse_with(regions)?),
                Long("memory") => store.memory_bytes = Some(parser.value()?.parse_with(bytes)?),
                Long("json") => store.json = true,
                Value(name) => {
                    store.command = Some(Asked::parse(&name.string()?, parser, store.json)?);
                    break;
                }
                argument => return Err(argument.unexpected()),
            }
        }
        if matches!(store.command, Some(Asked { command: Command::Help, .. })) {
            return Ok(None);
        }
        if store.spindles.is_empty() {
            return Err("a folder is missing: --spindle NAME=FOLDER".into());
        }
        check_names(&store.spindles)?;
        Ok(Some(store))
    }
}

/// What was given to a command.
#[derive(Default)]
struct Given {
    json: bool,
    all: bool,
    print: bool,
    framing: Option<Framing>,
    generation: Option<Generation>,
    lines: Option<OsString>,
    from: Option<String>,
    values: Vec<OsString>,
}

impl Asked {
    /// A command by its name, with what comes behind it. `json` is what was said for all commands.
    pub(crate) fn parse(name: &str, mut parser: Parser, json: bool) -> Result<Self, Error> {
        let mut given = Given { json, ..Given::default() };
        let command: fn(Given) -> Result<Command, Error> = match name {
            "help" => |_| Ok(Command::Help),
            "status" => |given| Ok(Command::Status(given.filter()?)),
            "search" => |given| Ok(Command::Search(given.filter()?)),
            "load" => |given| Ok(Command::Load(given.load()?)),
            "scan" => |given| Ok(Command::Scan(given.scan()?)),
            "evict" => |given| Ok(Command::Down(Step::Evict, given.filter()?)),
            "flush" => |given| Ok(Command::Down(Step::Flush, given.filter_or_all("flush")?)),
            "erase" => |given| Ok(Command::Down(Step::Erase, given.filter_or_all("erase")?)),
            "tend" => |given| given.nothing().map(|()| Command::Tend),
            _ => return Err(format!("a store has no command `{name}`").into()),
        };
        while let Some(argument) = parser.next()? {
            match (argument, name) {
                (Long("help") | Short('h'), _) => return Ok(Self { command: Command::Help, json: false }),
                (Long("json"), _) => given.json = true,
                (Long("all"), "flush" | "erase") => given.all = true,
                (Long("print"), "scan") => given.print = true,
                (Long("framing"), "scan") => given.framing = Some(parser.value()?.parse_with(framing)?),
                (Long("generation"), "load") => {
                    given.generation = Some(parser.value()?.parse_with(generation)?);
                }
                (Long("lines"), "load") => given.lines = Some(parser.value()?),
                (Long("from"), "load") => given.from = Some(parser.value()?.string()?),
                (Value(value), _) => given.values.push(value),
                (argument, _) => return Err(argument.unexpected()),
            }
        }
        let json = given.json;
        Ok(Self { command: command(given)?, json })
    }
}

impl Given {
    fn filter(self) -> Result<Filter, Error> {
        let words: Vec<String> =
            self.values.into_iter().map(|value| value.string()).collect::<Result<_, _>>()?;
        words.join(" ").parse().map_err(|error| format!("{error}").into())
    }

    /// What takes data away takes all of it only if that is said.
    fn filter_or_all(self, name: &str) -> Result<Filter, Error> {
        match (self.all, self.values.is_empty()) {
            (false, true) => Err(format!("{name} takes a filter, or --all for all slices").into()),
            (true, false) => Err("--all takes no filter".into()),
            _ => self.filter(),
        }
    }

    fn load(mut self) -> Result<Load, Error> {
        let key = self.key()?;
        let source = match (self.lines, self.from, self.values.is_empty()) {
            (None, None, true) => return Err("files are missing, or --lines FILE, or --from URL".into()),
            (Some(lines), None, true) if lines == "-" => Source::Input,
            (Some(lines), None, true) => Source::Lines(lines.into()),
            (None, Some(url), true) => Source::Objects(url),
            (None, None, false) => Source::Regions(self.values.into_iter().map(PathBuf::from).collect()),
            _ => return Err("either region files are loaded, or --lines, or --from".into()),
        };
        Ok(Load { key, generation: self.generation, source })
    }

    fn scan(mut self) -> Result<Scan, Error> {
        let key = self.key()?;
        let print = match (self.print, self.framing, self.json) {
            (false, Some(_), _) => return Err("--framing is of --print".into()),
            (true, _, true) => return Err("--print writes blobs, and no --json".into()),
            (true, framing, false) => Some(framing.unwrap_or(Framing::Newline)),
            (false, None, _) => None,
        };
        self.nothing()?;
        Ok(Scan { key, print })
    }

    /// Takes the first value.
    fn key(&mut self) -> Result<SliceKey, Error> {
        if self.values.is_empty() {
            return Err("a slice is missing: DOMAIN/VIEW/SLICE".into());
        }
        self.values.remove(0).parse_with(key)
    }

    fn nothing(self) -> Result<(), Error> {
        match self.values.into_iter().next() {
            Some(value) => Err(Value(value).unexpected()),
            None => Ok(()),
        }
    }
}

/// `NAME=FOLDER`, or a folder that is called as its last component. No name has a slash.
fn spindle(given: &OsStr) -> Result<Spindle, Error> {
    if let Some((name, folder)) = named(given)
        && !name.contains('/')
    {
        return Ok(Spindle::new(name, folder));
    }
    let folder = PathBuf::from(given);
    match folder.file_name().and_then(OsStr::to_str) {
        Some(name) => Ok(Spindle::new(name, &folder)),
        None => Err(format!("`{}` needs a name: NAME=FOLDER", folder.display()).into()),
    }
}

/// What is before the first `=` and behind it. On Unix, the folder may be no text.
fn named(given: &OsStr) -> Option<(&str, &OsStr)> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = given.as_bytes();
        let (name, folder) = bytes.split_at(bytes.iter().position(|&byte| byte == b'=')?);
        Some((core::str::from_utf8(name).ok()?, OsStr::from_bytes(folder.get(1..)?)))
    }
    #[cfg(not(unix))]
    given.to_str().and_then(|text| text.split_once('=')).map(|(name, folder)| (name, OsStr::new(folder)))
}

/// Folders on several disks are often called the same, and so are their spindles if no names are given.
fn check_names(spindles: &[Spindle]) -> Result<(), Error> {
    for (number, spindle) in spindles.iter().enumerate() {
        let mut others = spindles.iter().take(number).filter(|other| other.folder != spindle.folder);
        if let Some(other) = others.find(|other| other.name == spindle.name) {
            let (first, second, name) = (other.folder.display(), spindle.folder.display(), &spindle.name);
            let said =
                format!("`{first}` and `{second}` are both called `{name}`: give names by NAME=FOLDER");
            return Err(said.into());
        }
    }
    Ok(())
}

fn regions(text: &str) -> Result<usize, String> {
    let regions = text.parse().ok().filter(|regions| (1..=MAX_REGIONS).contains(regions));
    regions.ok_or_else(|| format!("`{text}` is no number of regions from 1 to {MAX_REGIONS}"))
}

fn key(text: &str) -> Result<SliceKey, String> {
    let key = || {
        let mut numbers = text.split('/');
        let (domain, view) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        let slice_key = numbers.next()?.parse().ok()?;
        numbers.next().is_none().then_some(SliceKey { domain, view, slice_key })
    };
    key().ok_or_else(|| format!("`{text}` is no slice like 5/1/12, which is DOMAIN/VIEW/SLICE"))
}

fn generation(text: &str) -> Result<Generation, String> {
    let (clock, digest) = text.split_once('#').unwrap_or((text, "0"));
    let number = |text: &str, radix| u64::from_str_radix(text, radix).ok().filter(|_| !text.starts_with('+'));
    let parts = number(clock, 10).zip(number(digest, 16));
    let generation = parts.map(|(clock, digest)| Generation { clock, digest });
    generation.ok_or_else(|| format!("`{text}` is no generation like 7, or 7#a1, which is CLOCK#DIGEST"))
}
