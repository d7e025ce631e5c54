//! `region cat`.

use std::io::{self, BufWriter, Write as _};

use region_store::Region;
use region_store::format::v1::blob_prefix;

use crate::Failure;
use crate::arguments::{Cat, Framing};

pub(crate) fn run(cat: &Cat) -> Result<(), Failure> {
    let region = Region::open(&cat.file)?;
    let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    match &cat.blobs {
        None => {
            for blob in region.blobs() {
                write(&mut output, blob?, cat.framing)?;
            }
        }
        Some(blobs) => {
            let length = region.len()?;
            if blobs.start >= length || blobs.start > blobs.end {
                let said = format!("{} has blobs 0..{length}, and not those", cat.file.display());
                return Err(Failure::Other(2, said));
            }
            for ordinal in blobs.start..blobs.end.min(length) {
                write(&mut output, region.get(ordinal)?.unwrap_or_default(), cat.framing)?;
            }
        }
    }
    Ok(output.flush()?)
}

/// Writes a blob, and what tells it from the next.
pub(crate) fn write(output: &mut impl io::Write, blob: &[u8], framing: Framing) -> io::Result<()> {
    if framing == Framing::Length {
        output.write_all(&blob_prefix(blob.len()).ok_or(io::ErrorKind::InvalidData)?)?;
    }
    output.write_all(blob)?;
    if framing == Framing::Newline { output.write_all(b"\n") } else { Ok(()) }
}
