//! A device and a server whose messages a test hands over one by one.

use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::{Status, Topic};

use crate::pipe::{Device, Sent};
use crate::server::{CHANNEL, Server, channel};

pub(crate) struct Link {
    pub(crate) device: Device,
    pub(crate) server: Server,
    now_ms: u64,
    /// What the device told its caller, since somebody looked.
    told: Vec<String>,
    /// What the device published and nobody carried on: the end of the topic, and the payload.
    pub(crate) requests: Vec<(Topic, Vec<u8>)>,
}

/// A frame with a body of its own.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) operation: Operation,
    pub(crate) session: u32,
    pub(crate) sequence: u32,
    pub(crate) acknowledged: u32,
    pub(crate) sector: u32,
    pub(crate) count: u16,
    pub(crate) status: Status,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn server() -> Server {
    Server::new(&[(Drive::B, Geometry::ALTAIR_8_INCH)])
}

impl Link {
    /// A device that has said HELLO, and nothing carried on yet.
    pub(crate) fn new(options: &[&str]) -> Option<Self> {
        let device = Device::start(options)?;
        let (told, requests) = (Vec::new(), Vec::new());
        let mut link = Self { device, server: server(), now_ms: 0, told, requests };
        link.tell("connected", b"", false);
        Some(link)
    }

    /// A device that has session 1.
    pub(crate) fn greeted(options: &[&str]) -> Option<Self> {
        let mut link = Self::new(options)?;
        link.carry();
        assert!(link.told().contains(&"begins 1".to_owned()));
        Some(link)
    }

    pub(crate) fn tell(&mut self, topic: &str, payload: &[u8], is_retained: bool) {
        for Sent { topic, payload } in self.device.send(topic, payload, is_retained) {
            match Topic::parse(&topic) {
                Some((of, topic)) if of == channel() => self.requests.push((topic, payload)),
                _ => {
                    assert_eq!(topic, "caller");
                    self.told.push(String::from_utf8(payload).unwrap());
                }
            }
        }
    }

    pub(crate) fn call(&mut self, command: &str) {
        self.tell("caller", command.as_bytes(), false);
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.server.wait(ms);
        self.tell("clock", self.now_ms.to_string().as_bytes(), false);
    }

    /// A message comes to the device.
    pub(crate) fn bring(&mut self, topic: Topic, payload: &[u8]) {
        self.tell(&format!("altair/{CHANNEL}{}", topic.suffix()), payload, false);
    }

    /// What the device told its caller, but for drives and sessions.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let is_of_interest = |text: &String| !text.starts_with("drive ") && !text.starts_with("accepted ");
        std::mem::take(&mut self.told).into_iter().filter(is_of_interest).collect()
    }

    /// What the device published in version 2, which gets lost so.
    pub(crate) fn requested(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.requests).into_iter().map(|(_, payload)| Message::decode(&payload)).collect()
    }

    /// Hands the requests over, and returns what the server sends, once all is durable.
    pub(crate) fn answers(&mut self) -> Vec<(Topic, Vec<u8>)> {
        for (topic, payload) in std::mem::take(&mut self.requests) {
            self.server.receive(topic, &payload);
        }
        self.server.commit();
        self.server.sent().into_iter().map(|sent| (sent.topic, sent.payload.to_vec())).collect()
    }

    /// Carries messages in both directions until there are none.
    pub(crate) fn carry(&mut self) {
        for _ in 0..100 {
            let answers = self.answers();
            if answers.is_empty() {
                return;
            }
            for (topic, payload) in answers {
                self.bring(topic, &payload);
            }
        }
        panic!("they never stop to talk");
    }
}

impl Message {
    pub(crate) fn decode(payload: &[u8]) -> Self {
        let channel = channel();
        let frame = Frame::decode(&channel, payload).unwrap();
        Self {
            operation: frame.operation,
            session: frame.session,
            sequence: frame.sequence,
            acknowledged: frame.acknowledged,
            sector: frame.sector,
            count: frame.count,
            status: frame.status,
            body: frame.body.to_vec(),
        }
    }

    /// The bytes of an answer that has these fields.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let frame = Frame {
            operation: self.operation,
            is_answer: true,
            session: self.session,
            sequence: self.sequence,
            acknowledged: self.acknowledged,
            sector: self.sector,
            count: self.count,
            drive: 1,
            status: self.status,
            body: &self.body,
        };
        let mut bytes = vec![0; frame.length()];
        assert!(frame.encode(&channel(), &mut bytes));
        bytes
    }

    pub(crate) fn nonce(&self) -> u64 {
        u64::from_le_bytes(*self.body.first_chunk().unwrap())
    }

    pub(crate) fn previous(&self) -> u32 {
        u32::from_le_bytes(*self.body[8..].first_chunk().unwrap())
    }
}
