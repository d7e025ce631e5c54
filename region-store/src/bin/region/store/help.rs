//! What `region store` says of itself.

use region_store::store::Field;

const STORE: &str = "\
Keeps slices, which are datasets of several regions, in a store: in memory, on disks, or only known.

    region store --spindle [NAME=]FOLDER... [--regions N] [--memory BYTES] [--json] [COMMAND]

  --spindle NAME=FOLDER   a folder for slices, one for each disk; its name is the last part of FOLDER if none is given
  --regions N             over how many regions a slice is written; the number of processors if nothing is said
  --memory BYTES          the most that slices in memory take; k, M and G are understood
  --json                  what comes of each command as an object on one line

A folder is the store's alone, and has the same name each time. `load` makes a store of folders that are there; the
other commands need one. What the store finds and removes when it is opened is told on the standard error.

Without a COMMAND, commands are read from the standard input, one a line, until `exit`. One that fails is told, the next
is read, and the worst exit code counts. Words are quoted as in a shell, and a comment begins with #.";

const COMMANDS: &str = "\
Commands:
  status [FILTER]                  the disks, the room that is taken, and the slices
  search [FILTER]                  the slices alone
  load SLICE FILE...               loads a slice from sealed regions, of either version
  load SLICE --lines FILE          from the lines of a text; - is the standard input
  load SLICE --from URL            from where it was published: file:///FOLDER or s3://BUCKET/PREFIX
    --generation CLOCK[#DIGEST]    which state of its data that is: a later one replaces what is there
  scan SLICE                       reads every byte of a slice, and says how quickly
    --print                        writes its blobs instead, region by region, and no --json
    --framing newline|length|raw   how: as `region cat` does
  evict [FILTER]                   takes slices from memory
  flush FILTER | --all             takes slices from the disks: their data is gone
  erase FILTER | --all             the same, and forgets them
  tend                             takes down what is due: for want of room, or since nobody asks for it

A SLICE is DOMAIN/VIEW/SLICE, three numbers. A FILTER is words that all have to hold: a field, one of < = >, and a
value. A shell takes < and > for itself unless they are quoted.";

const END: &str = "\
Exit codes:
  0    all is well
  1    a file is damaged, or not sealed
  2    the arguments make no sense
  3    the store or the operating system refused something: what, is said
  130  a load was interrupted by Ctrl-C, and left nothing behind

    region store --spindle d1=/data/1 --spindle d2=/data/2 load 5/1/12 --lines /var/log/syslog
    region store --spindle d1=/data/1 --spindle d2=/data/2 status
    region store --spindle d1=/data/1 --spindle d2=/data/2 flush 'age>86400 domain=5'";

/// For `region store --help`.
pub(crate) fn of_store() -> String {
    format!("{STORE}\n\n{}\n\n{END}", of_commands())
}

/// For `help` among the commands that are read.
pub(super) fn of_commands() -> String {
    let fields: Vec<String> =
        Field::ALL.iter().map(|(_, name, what)| format!("  {name:<12}{}", what.trim_start())).collect();
    format!("{COMMANDS}\n\nFields:\n{}", fields.join("\n"))
}
