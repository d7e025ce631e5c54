//! A device that makes and takes its packets itself: MQTT 3.1.1, byte by byte, and legacy disk messages in it.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::{LONG, SECTOR};

const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBACK: u8 = 0x90;
const PINGRESP: u8 = 0xd0;

/// A device that is connected.
pub(crate) struct Device {
    stream: TcpStream,
    /// What arrived while something else was waited for.
    messages: VecDeque<Message>,
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) is_retained: bool,
}

impl Device {
    pub(crate) fn connect(address: SocketAddr, identifier: &str) -> Self {
        Self::try_connect(address, identifier, None).unwrap_or_else(|code| panic!("refused: {code}"))
    }

    /// Connects, with a user's name and password; if it is not let in, the broker's return code.
    pub(crate) fn try_connect(
        address: SocketAddr,
        identifier: &str,
        user: Option<(&str, &str)>,
    ) -> Result<Self, u8> {
        let mut device = Self::stranger(address);
        match device.hello(identifier, user).unwrap() {
            0 => Ok(device),
            code => Err(code),
        }
    }

    /// Says who it is, and gives the broker's return code.
    pub(crate) fn hello(&mut self, identifier: &str, user: Option<(&str, &str)>) -> io::Result<u8> {
        let flags = if user.is_some() { 0xc2 } else { 0x02 };
        let mut body = [string("MQTT"), vec![4, flags, 0, 60], string(identifier)].concat();
        if let Some((name, password)) = user {
            body.extend([string(name), string(password)].concat());
        }
        self.write(&packet(0x10, &body))?;
        let (_, answer) = self.read_packet()?;
        Ok(answer[1])
    }

    /// Somebody who has said nothing yet.
    pub(crate) fn stranger(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, messages: VecDeque::new() }
    }

    pub(crate) fn set_write_timeout(&self, timeout: Duration) {
        self.stream.set_write_timeout(Some(timeout)).unwrap();
    }

    /// Says that nothing more comes.
    pub(crate) fn hang_up(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Listens to a device's answers.
    pub(crate) fn listening(address: SocketAddr, channel: &str) -> Self {
        let mut device = Self::connect(address, &format!("device-{channel}"));
        assert_eq!(device.subscribe(&format!("altair/{channel}/vdisk/data")), 0);
        device
    }

    /// Subscribes, and gives the broker's return code.
    pub(crate) fn subscribe(&mut self, filter: &str) -> u8 {
        let body = [vec![0, 1], string(filter), vec![1]].concat();
        self.write(&packet(0x82, &body)).unwrap();
        let answer = self.await_packet(SUBACK);
        if answer[2] == 0x80 { 0x80 } else { 0 }
    }

    /// Publishes with QoS 0.
    pub(crate) fn send(&mut self, topic: &str, payload: &[u8]) {
        self.write(&publish(topic, payload)).unwrap();
    }

    /// Publishes with QoS 1, and waits until the broker has it.
    pub(crate) fn publish(&mut self, topic: &str, payload: &[u8]) {
        self.try_publish(topic, payload).unwrap();
    }

    pub(crate) fn try_publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        self.write(&packet(PUBLISH | 2, &[&string(topic)[..], &[0, 1], payload].concat()))?;
        self.try_await_packet(PUBACK).map(drop)
    }

    /// Publishes with QoS 1 and the retain flag.
    pub(crate) fn retain(&mut self, topic: &str, payload: &[u8]) {
        self.write(&packet(PUBLISH | 3, &[&string(topic)[..], &[0, 1], payload].concat())).unwrap();
        self.await_packet(PUBACK);
    }

    /// Waits until the broker has taken all that was sent.
    pub(crate) fn ping(&mut self) {
        self.write(&[0xc0, 0]).unwrap();
        self.await_packet(PINGRESP);
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Message {
        while self.messages.is_empty() {
            self.take_packet().unwrap();
        }
        self.messages.pop_front().unwrap()
    }

    /// Whether the broker has ended the connection, for which it waits.
    pub(crate) fn is_ended(&mut self) -> bool {
        loop {
            match self.take_packet() {
                Ok(_) => {}
                Err(error) => return !matches!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads a sector by its offset, as an emulator does.
    pub(crate) fn read_sector(&mut self, channel: &str, offset: u32) -> Vec<u8> {
        self.send(&format!("altair/{channel}/vdisk/read"), &offset.to_le_bytes());
        let answer = self.receive();
        assert_eq!(answer.topic, format!("altair/{channel}/vdisk/data"));
        assert!(!answer.is_retained);
        let (head, bytes) = answer.payload.split_at(4);
        assert_eq!((head, bytes.len()), (&offset.to_le_bytes()[..], SECTOR));
        bytes.to_vec()
    }

    /// Writes a sector by its offset. Nobody says when it is done.
    pub(crate) fn write_sector(&mut self, channel: &str, offset: u32, bytes: &[u8]) {
        self.publish(&format!("altair/{channel}/vdisk/write"), &[&offset.to_le_bytes()[..], bytes].concat());
    }

    fn await_packet(&mut self, kind: u8) -> Vec<u8> {
        self.try_await_packet(kind).unwrap()
    }

    fn try_await_packet(&mut self, kind: u8) -> io::Result<Vec<u8>> {
        loop {
            if let Some((found, body)) = self.take_packet()?
                && found == kind
            {
                return Ok(body);
            }
        }
    }

    /// The next packet, if it is no message; those are kept.
    fn take_packet(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        let (head, body) = self.read_packet()?;
        if head & 0xf0 != PUBLISH {
            return Ok(Some((head & 0xf0, body)));
        }
        let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = String::from_utf8(body[2..end].to_vec()).unwrap();
        let qos = head >> 1 & 3;
        let payload = body[end + if qos > 0 { 2 } else { 0 }..].to_vec();
        if qos > 0 {
            self.write(&[PUBACK, 2, body[end], body[end + 1]])?;
        }
        self.messages.push_back(Message { topic, payload, is_retained: head & 1 == 1 });
        Ok(None)
    }

    pub(crate) fn read_packet(&mut self) -> io::Result<(u8, Vec<u8>)> {
        read_packet(&mut self.stream)
    }
}

/// The next packet: its first byte, and what is behind its length.
pub(crate) fn read_packet(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    let [head] = byte;
    let (mut length, mut shift) = (0, 0);
    loop {
        from.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok((head, body))
}

/// A message with QoS 0.
pub(crate) fn publish(topic: &str, payload: &[u8]) -> Vec<u8> {
    packet(PUBLISH, &[&string(topic)[..], payload].concat())
}

/// A packet with its length before its body.
pub(crate) fn packet(head: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (vec![head], body.len());
    loop {
        let continues = if rest >= 0x80 { 0x80 } else { 0 };
        bytes.push((rest & 0x7f) as u8 | continues);
        rest >>= 7;
        if rest == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// A text with its length before it.
pub(crate) fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}
