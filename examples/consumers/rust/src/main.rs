//! Uses the published crates, and fails if one of them is not what it should be.

use std::error::Error;
use std::{env, fs, process};

use region_store::format::{Header, RegionId};
use region_store::{Options, Region, RegionWriter};
use sector_cache::{Eviction, SectorCache, SectorKey};
use vdisk_proto::codec::Channel;

fn main() -> Result<(), Box<dyn Error>> {
    let mut memory = [0; 4 * (12 + 137)];
    let mut cache = SectorCache::new(&mut memory, 4, 137, Eviction::Lru)?;
    let sector = SectorKey::try_new(1, 40)?;
    cache.put(sector, &[0xe5; 137])?;
    assert_eq!(cache.get(sector), Some(&[0xe5; 137][..]));

    let path = env::temp_dir().join(format!("consumer-{}.region", process::id()));
    let header = Header { region_id: RegionId::random()?, ..Header::default() };
    let mut writer = RegionWriter::create(&path, &Options { header, ..Options::default() })?;
    writer.push(b"one")?;
    assert_eq!(writer.seal()?.blobs, 1);
    assert_eq!(Region::open(&path)?.get(0)?, Some(&b"one"[..]));
    fs::remove_file(&path)?;

    assert_eq!(Channel::new("board-7")?.as_str(), "board-7");
    assert!(Channel::new("board/7").is_err());
    Ok(())
}
