//! Slices in a bucket, by a server that speaks S3.

#![cfg(all(unix, feature = "s3"))]
#![allow(missing_docs, clippy::unwrap_used)]

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use region_store::Parcel;
use region_store::format::SliceIdentity;
use region_store::slice::Spindle;
use region_store::store::{Load, LoadError, ObjectLoader, Store, StoreOptions};

const TEST: &str = "workers_share_a_slice_in_a_bucket";
const URL: &str = "OBJECTS_URL";

/// moto's server, as long as this lives.
struct Server {
    process: Child,
    /// Its host and port.
    address: String,
}

impl Server {
    /// `None` if there is none on this machine.
    fn start() -> Option<Self> {
        let program = real_parts::program("moto_server")?;
        let mut process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, address) = line.split_once("Running on http://")?;
            Some(address.trim().to_owned())
        });
        let address = address.expect("it says where it is");
        // It goes on to say what it does, to somebody who listens.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, address })
    }

    fn create_bucket(&self, name: &str) {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// With credentials and endpoint in the environment, which is another process's.
#[test]
fn workers_share_a_slice_in_a_bucket() {
    if let Ok(url) = env::var(URL) {
        return share(&url);
    }
    let Some(server) = Server::start() else { return };
    server.create_bucket("bucket");
    let mut sharing = Command::new(env::current_exe().unwrap());
    sharing.args(["--exact", TEST, "--nocapture"]).env(URL, "s3://bucket/some/prefix");
    sharing.env("AWS_ENDPOINT", format!("http://{}", server.address)).env("AWS_ALLOW_HTTP", "true");
    sharing.env("AWS_ACCESS_KEY_ID", "user").env("AWS_SECRET_ACCESS_KEY", "password");
    sharing.env("AWS_REGION", "us-east-1");
    assert!(sharing.status().unwrap().success());
}

fn worker(folder: &Path) -> Store {
    let spindles = vec![Spindle::new("d1", folder)];
    Store::open(StoreOptions { spindles, regions: 2, retries: 0, ..StoreOptions::default() }).unwrap()
}

fn identity() -> SliceIdentity {
    SliceIdentity { domain: 1, view: 2, slice_key: 3, ..SliceIdentity::default() }
}

/// Parcels of a mebibyte for two regions, of which one has enough of them for an upload in parts.
fn load(load: &Load<'_>) -> Result<(), LoadError> {
    for number in 0..40_u8 {
        let length = if number.is_multiple_of(2) { 1 << 20 } else { 100 };
        load.queue(Parcel::of([vec![number; length]])?)?;
    }
    Ok(())
}

fn share(url: &str) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mine, yours] = folders.each_ref().map(|folder| worker(folder.path()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let objects = {
        let told = Arc::clone(&told);
        let objects = ObjectLoader::open(url).unwrap();
        Arc::new(objects.progress(move |done, of| told.lock().unwrap().push((done, of))))
    };
    let error = yours.load(identity(), objects.clone()).unwrap_err().to_string();
    assert!(error.contains("slice 1/2/3 is not published"), "{error}");
    yours.erase(&"slice=3".parse().unwrap());

    let lock = mine.load(identity(), Arc::new(load)).unwrap();
    objects.publish(&lock).unwrap();
    let of = lock.manifest().file_bytes();
    let published = std::mem::take(&mut *told.lock().unwrap());
    // One region whole and the other in three parts.
    assert_eq!((published.len(), published.last()), (5, Some(&(of, of))));

    let copy = yours.load(identity(), objects).unwrap();
    assert_eq!(told.lock().unwrap().last(), Some(&(of, of)));
    let sums = |lock: &region_store::store::ReadLock| {
        let folded = lock.fold(|region| {
            let mut sum = 0_u64;
            region.scan(|blob| sum += blob.iter().map(|&byte| u64::from(byte)).sum::<u64>())?;
            Ok(sum)
        });
        folded.unwrap().iter().sum::<u64>()
    };
    assert_eq!((copy.blobs(), copy.blob_bytes(), sums(&copy)), (40, lock.blob_bytes(), sums(&lock)));
    #[cfg(feature = "command")]
    load_by_hand(url);
}

/// The command has the same environment.
#[cfg(feature = "command")]
fn load_by_hand(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_region"));
    command.args(["store", "--spindle"]).arg(folder.path());
    let loaded = command.args(["--json", "load", "1/2/3", "--from", url]).output().unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let loaded: serde_json::Value = serde_json::from_slice(&loaded.stdout).unwrap();
    assert_eq!(loaded.get("blobs"), Some(&40.into()), "{loaded}");
}
