//! A device in Python at the other end of a pipe, whose messages `device.py` describes.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Far longer than any answer takes: a device that hangs fails its test, and does not hold it up for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process, which ends with this value at the latest.
pub(crate) struct Device {
    process: Child,
    /// `None` once it was told to end.
    input: Option<ChildStdin>,
    output: Receiver<Sent>,
}

/// What a device sends: a topic and a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

impl Device {
    /// Starts one for channel `12345678`; `None` if there is no Python.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let python = real_parts::program("python3")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/device.py");
        let mut process = Command::new(python)
            .arg("-B") // which leaves no compiled files beside the sources
            .arg(script)
            .arg("12345678")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take(), read(process.stdout.take().unwrap()));
        Some(Self { process, input, output })
    }

    /// Sends a message, and returns all that follows from it.
    pub(crate) fn send(&mut self, topic: &str, payload: &[u8], is_retained: bool) -> Vec<Sent> {
        self.write(topic, payload, is_retained);
        let mut sent = Vec::new();
        loop {
            let next = self.output.recv_timeout(PATIENCE).expect("the device goes on");
            if next.topic == "done" {
                return sent;
            }
            sent.push(next);
        }
    }

    /// Tells the device to end, and checks that it does, without a word.
    pub(crate) fn end(mut self) {
        self.write("caller", b"end", false);
        self.input = None;
        let end = self.output.recv_timeout(PATIENCE);
        assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
        assert!(self.process.wait().unwrap().success());
    }

    fn write(&mut self, topic: &str, payload: &[u8], is_retained: bool) {
        let topic_length = u16::try_from(topic.len()).unwrap().to_le_bytes();
        let payload_length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let flags = u8::from(is_retained);
        let head = [&[flags][..], &topic_length, &payload_length, topic.as_bytes()].concat();
        let input = self.input.as_mut().unwrap();
        input.write_all(&[&head, payload].concat()).and_then(|()| input.flush()).unwrap();
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // For whoever fails; one that was told to end is gone, and cannot be killed.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Reads messages on a thread of its own, so that a device which waits for a reader and one that is waited for never
/// wait for each other. The thread ends with the process.
fn read(mut output: ChildStdout) -> Receiver<Sent> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        while let Some(sent) = read_one(&mut output) {
            if sender.send(sent).is_err() {
                return;
            }
        }
    });
    receiver
}

fn read_one(output: &mut ChildStdout) -> Option<Sent> {
    let mut head = [0; 7];
    match output.read_exact(&mut head) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
        result => result.unwrap(),
    }
    let [_, t0, t1, lengths @ ..] = head;
    let mut topic = vec![0; usize::from(u16::from_le_bytes([t0, t1]))];
    output.read_exact(&mut topic).unwrap();
    let mut payload = vec![0; u32::from_le_bytes(lengths) as usize];
    output.read_exact(&mut payload).unwrap();
    Some(Sent { topic: String::from_utf8(topic).unwrap(), payload })
}
