//! MQTT 3.1.1, as much as a load generator needs: everything has QoS 0, and nothing is copied that need not be.
//!
//! | Packet    | First byte | Behind the length |
//! |-----------|-----------:|-------------------|
//! | CONNECT   |       `10` | name `MQTT`, level 4, flags, keep-alive, client identifier, user, password |
//! | CONNACK   |       `20` | flags, code: 0 if the client is let in |
//! | PUBLISH   |       `30` | topic, payload; an identifier between them if bits 1 and 2 of the first byte are not 0 |
//! | SUBSCRIBE |       `82` | identifier, then each filter and its QoS |
//! | SUBACK    |       `90` | identifier, then a code for each filter: 80 if refused |
//!
//! The length counts what follows it, seven bits a byte, the lowest first. Texts have two bytes of length before them, the
//! high one first.

/// The longest packet that is taken: a frame has 65,535 bytes at most, and its topic some.
pub(crate) const LONGEST: usize = 65_535 + 1_024;

const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBACK: u8 = 0x90;
const RETAIN: u8 = 0x01;
const QOS: u8 = 0x06;

/// A packet from the broker, where it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// Whether the client is let in: 0 if it is.
    ConnAck { code: u8 },
    /// A code for each filter.
    SubAck { codes: &'a [u8] },
    /// A message.
    Publish { topic: &'a [u8], payload: &'a [u8], is_retained: bool },
    /// One that says nothing to us.
    Other,
}

/// What was received is no MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// Its length has no end, or is more than anybody should send.
    #[error("a packet is longer than {LONGEST} bytes")]
    TooLong,
    /// It ends in the middle of something.
    #[error("a packet of type {0:02x} ends too early")]
    Truncated(u8),
}

/// Takes the next packet off what was received; `None` while it is not whole.
pub(crate) fn take<'a>(bytes: &mut &'a [u8]) -> Result<Option<Packet<'a>>, WireError> {
    let Some((&first, mut rest)) = bytes.split_first() else { return Ok(None) };
    let Some(length) = take_length(&mut rest)? else { return Ok(None) };
    let Some((body, behind)) = rest.split_at_checked(length) else { return Ok(None) };
    *bytes = behind;
    packet(first, body).ok_or(WireError::Truncated(first)).map(Some)
}

fn packet(first: u8, body: &[u8]) -> Option<Packet<'_>> {
    Some(match first & 0xf0 {
        CONNACK => Packet::ConnAck { code: *body.get(1)? },
        SUBACK => Packet::SubAck { codes: body.get(2..)? },
        PUBLISH => {
            let (length, rest) = body.split_first_chunk()?;
            let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            let payload = if first & QOS == 0 { rest } else { rest.get(2..)? };
            Packet::Publish { topic, payload, is_retained: first & RETAIN != 0 }
        }
        _ => Packet::Other,
    })
}

fn take_length(bytes: &mut &[u8]) -> Result<Option<usize>, WireError> {
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let Some((&byte, rest)) = bytes.split_first() else { return Ok(None) };
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if length <= LONGEST { Ok(Some(length)) } else { Err(WireError::TooLong) };
        }
    }
    Err(WireError::TooLong)
}

/// A client asks to be let in, without a session that outlasts the connection.
pub(crate) fn connect(identifier: &str, credentials: Option<(&str, &str)>, out: &mut Vec<u8>) {
    const CLEAN: u8 = 0x02;
    const USER_AND_PASSWORD: u8 = 0xc0;
    let flags = if credentials.is_some() { CLEAN | USER_AND_PASSWORD } else { CLEAN };
    // A device that waits for its turn says nothing, for as long as that takes.
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0xff, 0xff];
    let texts = [Some(identifier), credentials.map(|(user, _)| user), credentials.map(|(_, word)| word)];
    for text in texts.into_iter().flatten() {
        put_text(text.as_bytes(), &mut body);
    }
    put(0x10, &body, out);
}

/// A client asks for the messages of these topics.
pub(crate) fn subscribe<'a>(filters: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    let mut body = vec![0, 1];
    for filter in filters {
        put_text(filter.as_bytes(), &mut body);
        body.push(0);
    }
    put(0x82, &body, out);
}

/// A message for a topic, whose payload the caller puts behind it.
pub(crate) fn publish_head(topic: &[u8], payload_length: usize, out: &mut Vec<u8>) {
    out.push(PUBLISH);
    put_length(2 + topic.len() + payload_length, out);
    put_text(topic, out);
}

/// A message for a topic.
pub(crate) fn publish(topic: &[u8], payload: &[u8], out: &mut Vec<u8>) {
    publish_head(topic, payload.len(), out);
    out.extend_from_slice(payload);
}

fn put(first: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    put_length(body.len(), out);
    out.extend_from_slice(body);
}

fn put_text(text: &[u8], out: &mut Vec<u8>) {
    // Longer ones are refused where they come from, the command line.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.get(..usize::from(length)).unwrap_or_default());
}

fn put_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let [byte, ..] = (length & 0x7f).to_le_bytes();
        length >>= 7;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_these_bytes() {
        let mut out = Vec::new();
        connect("me", None, &mut out);
        assert_eq!(out, *b"\x10\x0e\0\x04MQTT\x04\x02\xff\xff\0\x02me");
        out.clear();
        connect("me", Some(("u", "pw")), &mut out);
        assert_eq!(out, *b"\x10\x15\0\x04MQTT\x04\xc2\xff\xff\0\x02me\0\x01u\0\x02pw");
        out.clear();
        subscribe(["a/b", "c"], &mut out);
        assert_eq!(out, *b"\x82\x0c\0\x01\0\x03a/b\0\0\x01c\0");
        out.clear();
        publish(b"a/b", &[7; 123], &mut out);
        assert_eq!(out[..8], *b"\x30\x80\x01\0\x03a/b");
        assert_eq!(out.len(), 3 + 128);
    }

    #[test]
    fn packets_are_taken_one_by_one_and_only_when_they_are_whole() {
        let bytes = b"\x20\x02\0\x05\x90\x04\0\x01\0\x80\x31\x06\0\x03a/bx\x32\x07\0\x01t\0\x09pp\xd0\0";
        let publish = |topic, payload, is_retained| Packet::Publish { topic, payload, is_retained };
        let expected = [
            Packet::ConnAck { code: 5 },
            Packet::SubAck { codes: b"\0\x80" },
            publish(b"a/b", b"x", true),
            publish(b"t", b"pp", false),
            Packet::Other,
        ];
        let mut rest = &bytes[..];
        for packet in expected {
            let before = rest;
            assert_eq!(take(&mut rest), Ok(Some(packet)));
            for length in 0..before.len() - rest.len() {
                let mut part = &before[..length];
                assert_eq!(take(&mut part), Ok(None));
                assert_eq!(part.len(), length, "nothing is taken of a part");
            }
        }
        assert_eq!(rest, b"");
    }

    #[test]
    fn what_is_no_mqtt_is_refused() {
        for (bytes, error) in [
            (&b"\x30\xff\xff\xff\xff\x01"[..], WireError::TooLong),
            (b"\x30\xff\xff\xff\x7f", WireError::TooLong),
            (b"\x30\x01\0", WireError::Truncated(0x30)),
            (b"\x30\x04\0\x03ab", WireError::Truncated(0x30)),
            (b"\x32\x03\0\x01a", WireError::Truncated(0x32)),
            (b"\x20\x01\0", WireError::Truncated(0x20)),
            (b"\x90\x01\0", WireError::Truncated(0x90)),
        ] {
            assert_eq!(take(&mut &*bytes), Err(error), "{bytes:02x?}");
        }
    }
}
