//! Arrow IPC: a file of record batches with one column of binaries, mapped and read without a copy.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{Array, BinaryArray, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::writer::FileWriter;
use arrow_ipc::{Block, root_as_footer};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;

use crate::engine::{Engine, Part, Reader, Result};
use crate::map::map;
use crate::source::Source;

/// Writes batches of about so many bytes.
pub(crate) struct ArrowIpc {
    pub(crate) batch_bytes: usize,
}

impl Engine for ArrowIpc {
    type Reader = ArrowReader;

    fn write(&self, path: &Path, source: &Source) -> Result<()> {
        let schema = Arc::new(Schema::new(vec![Field::new("blob", DataType::Binary, false)]));
        let mut writer = FileWriter::try_new(File::create_new(path)?, &schema)?;
        let rows = self.batch_bytes.div_ceil(source.blob_length);
        let mut blobs = source.blobs().peekable();
        while blobs.peek().is_some() {
            let mut column = BinaryBuilder::with_capacity(rows, rows * source.blob_length);
            for blob in blobs.by_ref().take(rows) {
                column.append_value(blob);
            }
            writer.write(&RecordBatch::try_new(schema.clone(), vec![Arc::new(column.finish())])?)?;
        }
        writer.finish()?;
        writer.get_ref().sync_data()?;
        Ok(())
    }

    fn open(&self, path: &Path) -> Result<ArrowReader> {
        let file = Buffer::from(Bytes::from_owner(map(path)?));
        let trailer = file.len().checked_sub(10).ok_or("too short for Arrow")?;
        let footer_length = read_footer_length(file[trailer..].try_into()?)?;
        let footer =
            root_as_footer(&file[trailer - footer_length..trailer]).map_err(|error| error.to_string())?;
        let schema = Arc::new(try_fb_to_schema(footer.schema().ok_or("a footer without a schema")?)?);
        let decoder = FileDecoder::new(schema, footer.version()).with_require_alignment(true);
        let columns = footer.recordBatches().ok_or("a footer without batches")?;
        let columns = columns.iter().map(|block| column(&decoder, block, &file));
        let mut reader = ArrowReader { columns: columns.collect::<Result<_>>()?, rows: 0 };
        reader.rows = reader.columns.first().map_or(0, |column| column.len() as u64);
        Ok(reader)
    }
}

fn column(decoder: &FileDecoder, block: &Block, file: &Buffer) -> Result<BinaryArray> {
    let metadata = usize::try_from(block.metaDataLength())?;
    let length = metadata + usize::try_from(block.bodyLength())?;
    let bytes = file.slice_with_length(usize::try_from(block.offset())?, length);
    let batch = decoder.read_record_batch(block, &bytes)?.ok_or("a block without a batch")?;
    let column = batch.column(0).as_any().downcast_ref::<BinaryArray>();
    Ok(column.ok_or("not a column of binaries")?.clone())
}

/// The column of every batch, over the mapped file.
pub(crate) struct ArrowReader {
    columns: Vec<BinaryArray>,
    /// In every batch but the last.
    rows: u64,
}

impl Reader for ArrowReader {
    fn first(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        visit(self.columns.first().ok_or("no batches")?.value(0));
        Ok(())
    }

    fn scan(&self, part: Part, mut visit: impl FnMut(&[u8])) -> Result<()> {
        for column in &self.columns[part.range(self.columns.len())] {
            for blob in column.iter().flatten() {
                visit(blob);
            }
        }
        Ok(())
    }

    fn look_up(&self, ordinals: &[u64], mut visit: impl FnMut(&[u8])) -> Result<()> {
        for &ordinal in ordinals {
            let column = &self.columns[usize::try_from(ordinal / self.rows)?];
            visit(column.value(usize::try_from(ordinal % self.rows)?));
        }
        Ok(())
    }
}
