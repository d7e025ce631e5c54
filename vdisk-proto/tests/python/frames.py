"""The bytes of the protocol, as docs/protocol.md has them in its tables."""

import struct
from dataclasses import dataclass

HELLO, READ, WRITE, FLUSH, INVALIDATE = 1, 2, 3, 4, 5
ANSWER = 0x80
OK, STALE_SESSION, BUSY = 0, 9, 11
STATUSES = (
    "OK BAD_REQUEST UNSUPPORTED_VERSION UNKNOWN_DRIVE OUT_OF_RANGE READ_ONLY TOO_LARGE DISK_FULL IO_ERROR "
    "STALE_SESSION NOT_AUTHORISED BUSY"
).split()
LAST_SEQUENCE = 2**32 - 1

HEAD = struct.Struct("<2sBBIIIIHBB")
CHECKSUM = struct.Struct("<I")
OVERHEAD = HEAD.size + CHECKSUM.size
HELLO_REQUEST = struct.Struct("<QIHHI")
HELLO_ANSWER = struct.Struct("<QHBB")
HELLO_DRIVE = struct.Struct("<BBHHHQ")


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = list(crc_table())


def crc32c(message):
    crc = 0xFFFFFFFF
    for byte in message:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@dataclass
class Frame:
    operation: int
    session: int = 0
    sequence: int = 0
    acknowledged: int = 0
    sector: int = 0
    count: int = 0
    drive: int = 0
    status: int = OK
    body: bytes = b""

    def encode(self, channel):
        head = HEAD.pack(
            b"VD", 2, self.operation, self.session, self.sequence, self.acknowledged,
            self.sector, self.count, self.drive, self.status,
        )  # fmt: skip
        checked = head + self.body
        return checked + CHECKSUM.pack(crc32c(channel.encode() + checked))


def decode(channel, message):
    """The frame, or None for what is none that a device understands."""
    if len(message) < OVERHEAD:
        return None
    magic, version, *fields = HEAD.unpack_from(message)
    checked = message[: -CHECKSUM.size]
    if magic != b"VD" or message[-CHECKSUM.size :] != CHECKSUM.pack(crc32c(channel.encode() + checked)):
        return None
    frame = Frame(*fields, checked[HEAD.size :])
    is_known = HELLO <= frame.operation & ~ANSWER <= INVALIDATE and frame.status < len(STATUSES)
    return frame if version == 2 and is_known else None


@dataclass
class Drive:
    """What HELLO's answer tells of a drive."""

    is_read_only: bool
    sector_length: int
    sectors_per_track: int
    tracks: int
    generation: int

    def run(self, sector, count):
        """The sectors that a request means."""
        first = sector - sector % self.sectors_per_track
        return [first + (sector - first + place) % self.sectors_per_track for place in range(count)]

    def split(self, body):
        """The sectors of a body, in the run's order."""
        return [body[at : at + self.sector_length] for at in range(0, len(body), self.sector_length)]


@dataclass
class Welcome:
    """The body of HELLO's answer."""

    nonce: int
    largest_frame: int
    window: int
    drives: dict


def decode_welcome(body):
    """The body, or None if it is no such."""
    if len(body) < HELLO_ANSWER.size:
        return None
    nonce, largest_frame, window, count = HELLO_ANSWER.unpack_from(body)
    if len(body) != HELLO_ANSWER.size + count * HELLO_DRIVE.size:
        return None
    drives = {}
    for number, flags, *fields in HELLO_DRIVE.iter_unpack(body[HELLO_ANSWER.size :]):
        drives[number] = Drive(bool(flags & 1), *fields)
    return Welcome(nonce, largest_frame, window, drives)
