"""What a device has asked for in version 2 and may have to send again."""

from dataclasses import dataclass, field

from frames import READ, Frame


@dataclass
class Write:
    """A write of the caller's that is not acknowledged. Its sequence is 0 until it was sent in this session; so is that
    of the session before, if it was not sent in that."""

    identity: str
    drive: int
    sectors: dict
    sequence: int = 0
    before: int = 0


@dataclass
class Request:
    """A HELLO, READ or FLUSH in flight."""

    frame: Frame
    due_ms: int
    wait_ms: int
    begins: bool = False  # HELLO: whether its nonce is a new one
    mark: int = 0  # HELLO: what was acknowledged when it was sent first
    left: set = field(default_factory=set)  # READ: sectors that have not come
    barred: set = field(default_factory=set)  # READ: sectors whose bytes may be older than a write

    def will_bring(self, drive, sector):
        is_asked = self.frame.operation == READ and self.frame.drive == drive and sector in self.left
        return is_asked and sector not in self.barred
