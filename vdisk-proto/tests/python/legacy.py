"""Legacy, a device's side: the end of docs/protocol.md. Drive B alone, and no promise that survives a power cut."""

from dataclasses import dataclass

DRIVE = 1
SECTOR_LENGTH = 137
SECTORS = 77 * 32
FIRST_WAIT_MS = 1_000
LONGEST_WAIT_MS = 30_000


@dataclass
class Write:
    identity: str
    sector: int
    body: bytes


@dataclass
class Request:
    """A read that is asked for, or the write that it is to read back."""

    due_ms: int
    write: Write = None
    wait_ms: int = FIRST_WAIT_MS


def offset_of(sector):
    return (sector * SECTOR_LENGTH).to_bytes(4, "little")


class Legacy:
    def __init__(self, publish, tell, window_length=8):
        self.publish, self.tell, self.window_length = publish, tell, window_length
        self.now_ms = 0
        self.window = []  # writes that were not read back, in the caller's order
        self.waiting = {}  # reads of the caller's, by identity: the sector
        self.flushes = {}  # as a session has them
        self.requests = {}  # by sector

    # What the caller asks.

    def read(self, identity, drive, sector):
        if drive != DRIVE or sector >= SECTORS:
            return self.tell(f"failed {identity} impossible")
        self.waiting[identity] = sector
        self.pump()

    def write(self, identity, drive, sector, body):
        if len(self.window) >= self.window_length:
            return self.tell(f"full {identity}")
        if drive != DRIVE or sector >= SECTORS or len(body) != SECTOR_LENGTH:
            return self.tell(f"failed {identity} impossible")
        self.window.append(Write(identity, sector, body))
        self.tell(f"accepted {identity}")
        self.pump()

    def flush(self, identity):
        self.flushes[identity] = {write.identity for write in self.window}
        self.pump()

    # What happens.

    def probe(self):
        """Finds out whether anybody serves legacy."""
        self.ask(0)

    def tick(self, now_ms):
        self.now_ms = now_ms
        for sector, request in self.requests.items():
            if request.due_ms <= now_ms:
                request.wait_ms = min(2 * request.wait_ms, LONGEST_WAIT_MS)
                self.send(sector, request)

    def arrived(self, payload):
        """Takes data, and says whether it was asked for."""
        offset = int.from_bytes(payload[:4], "little")
        sector, body = offset // SECTOR_LENGTH, payload[4:]
        if len(body) != SECTOR_LENGTH or offset % SECTOR_LENGTH or sector not in self.requests:
            return False
        write = self.requests[sector].write
        if write is not None and write.body != body:
            return True  # It was read before it was written, or the write was lost.
        del self.requests[sector]
        if write is not None:
            self.window.remove(write)
            self.tell(f"acknowledged {write.identity}")
        for identity in [identity for identity, wanted in self.waiting.items() if wanted == sector]:
            self.answer(identity, self.newest(sector) or body)
        self.pump()
        return True

    def pump(self):
        """Sends what may be sent, and answers what can be answered."""
        for write in self.window:
            request = self.requests.get(write.sector)
            if request is None or request.write is None:
                self.ask(write.sector, write)
        for identity, sector in list(self.waiting.items()):
            body = self.newest(sector)
            if body is not None:
                self.answer(identity, body)
            elif sector not in self.requests:
                self.ask(sector)
        unread = {write.identity for write in self.window}
        for identity in [identity for identity, awaited in self.flushes.items() if not awaited & unread]:
            del self.flushes[identity]
            self.tell(f"flushed {identity}")

    def newest(self, sector):
        return next((write.body for write in reversed(self.window) if write.sector == sector), None)

    def answer(self, identity, body):
        del self.waiting[identity]
        self.tell(f"read {identity} {body.hex()}")

    def ask(self, sector, write=None):
        self.requests[sector] = Request(0, write)
        self.send(sector, self.requests[sector])

    def send(self, sector, request):
        request.due_ms = self.now_ms + request.wait_ms
        if request.write is not None:
            self.publish("write", offset_of(sector) + request.write.body)
        self.publish("read", offset_of(sector))
