"""Version 2 of the protocol, a device's side: the rules of docs/protocol.md.

A session has no I/O and no clock of its own. It publishes by a function that takes a topic's end and a payload, tells
its caller by one that takes a text, and learns from `tick` what time it is.
"""

from collections import OrderedDict

import frames
from frames import ANSWER, BUSY, FLUSH, HELLO, INVALIDATE, OK, READ, STALE_SESSION, STATUSES, WRITE, Frame
from in_flight import Request, Write

FIRST_WAIT_MS = 1_000
LONGEST_WAIT_MS = 30_000
REFUSED_WAIT_MS = 60_000
SILENCE_MS = 30_000
TAKEN_OVER_MS = 60_000


class Session:
    def __init__(self, channel, random, publish, tell, largest_frame, cacheable):
        self.channel, self.random, self.publish, self.tell = channel, random, publish, tell
        self.largest_frame, self.cacheable = largest_frame, cacheable
        self.now_ms = self.heard_ms = 0
        self.next_sequence = random.randrange(1, 2**31)
        self.session = self.previous = self.previous_mark = self.nonce = 0
        self.requests = {}  # by sequence
        self.drives = {}  # by number, as the last HELLO's answer told them
        self.cache = OrderedDict()  # of what is durable, the least recently used first
        self.waiting = {}  # reads of the caller's, by identity: drive and sector
        self.flushes = {}  # flushes of the caller's, by identity: the identities of writes that they wait for
        self.window = []  # unacknowledged writes, in the caller's order
        self.mark = self.last_sent = self.largest_window = self.server_frame = 0
        self.window_due_ms = self.window_wait_ms = 0
        self.stale_ms = None  # when a STALE_SESSION named another's session
        self.hellos_unanswered = 0
        self.has_worked = self.is_stopped = False

    # What the caller asks.

    def read(self, identity, drive, sector):
        if self.is_stopped:
            return self.tell(f"failed {identity} taken over")
        self.waiting[identity] = (drive, sector)
        self.ask()

    def write(self, identity, drive, sector, body):
        shape = self.drives.get(drive)
        if self.is_stopped:
            return self.tell(f"failed {identity} taken over")
        if not self.session or len(self.window) >= self.largest_window:
            return self.tell(f"full {identity}")
        if shape is None or shape.is_read_only or frames.OVERHEAD + len(body) > self.server_frame:
            return self.tell(f"failed {identity} impossible")
        sectors = dict(zip(shape.run(sector, len(body) // shape.sector_length), shape.split(body)))
        self.window.append(Write(identity, drive, sectors))
        for request in self.requests.values():
            if request.frame.drive == drive:
                request.barred |= sectors.keys()
        self.tell(f"accepted {identity}")
        self.send_writes()
        self.ask()

    def flush(self, identity):
        self.flushes[identity] = {write.identity for write in self.window}
        if self.session and self.window:
            self.send(Frame(FLUSH, self.session))
        self.settle_flushes()

    def resume(self):
        """The caller wants the channel back."""
        self.is_stopped = False
        self.greet()

    # What happens.

    def connected(self):
        """The broker is there, and knows the subscription: the first time, or again."""
        if not self.nonce:
            return self.greet()
        for request in list(self.requests.values()):
            self.send_again(request)
        self.go_back()

    def tick(self, now_ms):
        self.now_ms = now_ms
        for request in list(self.requests.values()):
            if request.due_ms <= now_ms:
                self.send_again(request)
        if self.window_due_ms <= now_ms:
            self.go_back()
        is_asking = any(request.frame.operation == HELLO for request in self.requests.values())
        if self.session and not is_asking and now_ms - self.heard_ms >= SILENCE_MS:
            self.hello(begins=False)

    def arrived(self, payload):
        frame = frames.decode(self.channel, payload)
        if frame is None or self.is_stopped:
            return
        if frame.operation == INVALIDATE:
            if self.session and frame.session == self.session:
                self.heard_ms = self.now_ms
                self.greet()
            return
        if frame.status != OK and frame.body:
            return
        operation = frame.operation & ~ANSWER
        if not frame.operation & ANSWER:
            return
        if operation == HELLO:
            return self.hello_answered(frame)
        if not self.session or frame.session != self.session:
            return
        if frame.status != STALE_SESSION and frame.acknowledged > self.last_sent:
            return
        if operation == WRITE:
            return self.write_answered(frame)
        request = self.requests.get(frame.sequence)
        if request is not None and request.frame.operation == operation:
            self.read_answered(request, frame) if operation == READ else self.flush_answered(request, frame)

    # Sessions.

    def greet(self):
        """Says HELLO with a new nonce."""
        self.requests.clear()
        for write in self.window:
            if self.session:
                write.before = write.sequence
            write.sequence = 0
        if self.session:
            self.previous_mark = self.mark
        self.session = self.mark = self.last_sent = 0
        self.nonce = self.random.getrandbits(64)
        self.hello(begins=True)

    def hello(self, begins):
        body = frames.HELLO_REQUEST.pack(self.nonce, self.previous, self.largest_frame, 0, self.cacheable)
        known = self.mark if self.session else self.previous_mark
        self.send(Frame(HELLO, acknowledged=known, body=body), begins=begins, mark=self.mark)

    def hello_answered(self, frame):
        request = self.requests.get(frame.sequence)
        if request is None or request.frame.operation != HELLO:
            return
        if frame.status == OK:
            welcome = frames.decode_welcome(frame.body)
            if welcome is None or welcome.nonce != self.nonce or not frame.session:
                return
            self.done(request)
            return self.welcome(frame, welcome) if request.begins else self.goes_on(request, frame, welcome)
        if frame.session:
            return
        self.hellos_unanswered = 0
        if frame.status == BUSY:
            self.later(request)
        elif frame.status == STALE_SESSION:
            self.done(request)
            self.greet() if request.begins else self.stale(frame)
        else:
            self.tell(f"refused {STATUSES[frame.status]}")
            request.due_ms = self.now_ms + REFUSED_WAIT_MS

    def welcome(self, frame, welcome):
        """A session begins."""
        if frame.acknowledged:
            self.tell("nonce-repeated")
            return self.greet()
        if frame.session <= self.previous:
            self.tell("data-lost")
        self.has_worked = True
        self.settle(lambda write: write.before, frame.sector)
        self.session = self.previous = frame.session
        self.largest_window, self.server_frame = welcome.window, welcome.largest_frame
        for number, drive in welcome.drives.items():
            self.tell(f"drive {number} {drive.generation}")
        for number in self.drives:
            if self.is_changed(number, welcome):
                self.drop_drive(number)
        self.drives = welcome.drives
        self.tell(f"begins {self.session}")
        self.send_writes()
        self.ask()

    def goes_on(self, request, frame, welcome):
        """The answer to the nonce of the current session, said again."""
        is_changed = any(self.is_changed(number, welcome) for number in self.drives)
        if frame.session != self.session or frame.acknowledged < request.mark or is_changed:
            self.tell("data-lost")
            return self.greet()
        self.advance(frame.acknowledged)

    def is_changed(self, number, welcome):
        drive = welcome.drives.get(number)
        return drive is None or drive.generation != self.drives[number].generation

    def drop_drive(self, number):
        """Somebody else changed a drive: what is known of it, and what was to be written to it, is of another time."""
        self.tell(f"changed {number}")
        for key in [key for key in self.cache if key[0] == number]:
            del self.cache[key]
        self.fail_writes(lambda write: write.drive == number, "changed")

    def stale(self, frame):
        """The session has ended."""
        if frame.acknowledged not in (0, self.session):
            if self.stale_ms is not None and self.now_ms - self.stale_ms <= TAKEN_OVER_MS:
                return self.stop()
            self.stale_ms = self.now_ms
        self.greet()

    def stop(self):
        """Somebody else uses the channel."""
        self.tell("taken-over")
        self.is_stopped, self.stale_ms, self.session = True, None, 0
        self.requests.clear()
        self.cache.clear()
        self.fail_writes(lambda write: True, "taken over")
        for identity in list(self.waiting):
            self.fail_read(identity, "taken over")

    # Requests that are no WRITEs.

    def send(self, frame, **more):
        if self.next_sequence > frames.LAST_SEQUENCE:
            self.next_sequence = 1
            if frame.operation != HELLO:
                return self.greet()
        frame.sequence = self.next_sequence
        self.next_sequence += 1
        request = Request(frame, self.now_ms + self.spread(FIRST_WAIT_MS), FIRST_WAIT_MS, **more)
        self.requests[frame.sequence] = request
        self.publish_request(frame)

    def send_again(self, request):
        self.later(request)
        self.publish_request(request.frame)

    def publish_request(self, frame):
        self.hellos_unanswered += frame.operation == HELLO
        self.publish("v2/req", frame.encode(self.channel))

    def later(self, request):
        request.wait_ms = min(2 * request.wait_ms, LONGEST_WAIT_MS)
        request.due_ms = self.now_ms + self.spread(request.wait_ms)

    def spread(self, wait_ms):
        return wait_ms + self.random.randrange(wait_ms // 2)

    def done(self, request):
        self.heard_ms = self.now_ms
        self.hellos_unanswered = 0
        self.requests.pop(request.frame.sequence, None)

    def flush_answered(self, request, frame):
        if frame.status == STALE_SESSION:
            return self.stale(frame)
        if frame.body:
            return
        if frame.status == BUSY:
            self.later(request)
        else:
            self.done(request)
        self.advance(frame.acknowledged)

    # Reads.

    def ask(self):
        """Answers the caller's reads with what is held, and asks for the rest."""
        for identity, (drive, sector) in list(self.waiting.items()):
            body = self.held(drive, sector)
            shape = self.drives.get(drive)
            if body is not None:
                del self.waiting[identity]
                self.tell(f"read {identity} {body.hex()}")
            elif not self.session:
                continue
            elif shape is None or sector >= shape.tracks * shape.sectors_per_track:
                self.fail_read(identity, "impossible")
            elif not any(request.will_bring(drive, sector) for request in self.requests.values()):
                self.send_read(drive, sector, shape)

    def send_read(self, drive, sector, shape):
        count = shape.sectors_per_track
        of_drive = [write.sectors.keys() for write in self.window if write.drive == drive]
        frame = Frame(READ, self.session, sector=sector, count=count, drive=drive)
        self.send(frame, left=set(shape.run(sector, count)), barred=set().union(*of_drive))

    def held(self, drive, sector):
        """What the caller is to read of a sector, if it is here."""
        for write in reversed(self.window):
            if write.drive == drive and sector in write.sectors:
                return write.sectors[sector]
        if (drive, sector) in self.cache:
            self.cache.move_to_end((drive, sector))
        return self.cache.get((drive, sector))

    def keep(self, drive, sector, body):
        self.cache[drive, sector] = body
        self.cache.move_to_end((drive, sector))
        if len(self.cache) > self.cacheable:
            self.cache.popitem(last=False)

    def read_answered(self, request, frame):
        if frame.status == STALE_SESSION:
            return self.stale(frame)
        if frame.status == OK and not self.take_sectors(request, frame):
            return
        self.heard_ms = self.now_ms
        self.advance(frame.acknowledged)
        if frame.status == BUSY:
            self.later(request)
        elif frame.status != OK:
            self.done(request)
            wanted = (request.frame.drive, request.frame.sector)
            for identity in [identity for identity, key in self.waiting.items() if key == wanted]:
                self.fail_read(identity, STATUSES[frame.status])
        elif not request.left:
            self.done(request)
        self.ask()

    def take_sectors(self, request, frame):
        """Keeps what one frame of a READ's answer brings; says whether it is one."""
        drive = request.frame.drive
        shape = self.drives[drive]
        sectors = shape.run(frame.sector, frame.count)
        asked = shape.run(request.frame.sector, request.frame.count)
        is_right = frame.drive == drive and 1 <= frame.count <= request.frame.count and set(sectors) <= set(asked)
        if not is_right or len(frame.body) != frame.count * shape.sector_length:
            return False
        for sector, body in reversed(list(zip(sectors, shape.split(frame.body)))):
            if sector in request.left and sector not in request.barred:
                self.keep(drive, sector, body)
        request.left -= set(sectors)
        # Before others push it out of a small cache.
        self.ask()
        return True

    def fail_read(self, identity, reason):
        del self.waiting[identity]
        self.tell(f"failed {identity} {reason}")

    # Writes.

    def send_writes(self):
        """Sends what may be in flight and is not."""
        if not self.session:
            return
        for write in self.window[: self.largest_window]:
            if write.sequence:
                continue
            if self.last_sent == frames.LAST_SEQUENCE:
                return self.greet()
            if self.last_sent == self.mark:
                self.restart_window()
            self.last_sent += 1
            write.sequence = self.last_sent
            self.publish_write(write)

    def publish_write(self, write):
        sectors = list(write.sectors)
        body = b"".join(write.sectors.values())
        frame = Frame(WRITE, self.session, write.sequence, 0, sectors[0], len(sectors), write.drive, OK, body)
        self.publish("v2/req", frame.encode(self.channel))

    def go_back(self):
        """Sends all WRITEs in flight again, in order."""
        in_flight = [write for write in self.window if write.sequence]
        if self.session and in_flight:
            self.window_later()
            for write in in_flight:
                self.publish_write(write)

    def restart_window(self):
        self.window_wait_ms = FIRST_WAIT_MS
        self.window_due_ms = self.now_ms + self.spread(FIRST_WAIT_MS)

    def window_later(self):
        self.window_wait_ms = min(2 * self.window_wait_ms, LONGEST_WAIT_MS)
        self.window_due_ms = self.now_ms + self.spread(self.window_wait_ms)

    def write_answered(self, frame):
        write = next((write for write in self.window if write.sequence == frame.sequence), None)
        if not frame.sequence or write is None or frame.body:
            return
        if frame.status == STALE_SESSION:
            return self.stale(frame)
        self.heard_ms = self.now_ms
        self.advance(frame.acknowledged)
        if frame.status == BUSY:
            self.window_later()
        elif frame.status != OK:
            for sector in write.sectors:
                self.cache.pop((write.drive, sector), None)
            self.fail_writes(lambda other: other is write, STATUSES[frame.status])
            self.greet()

    def advance(self, acknowledged):
        """All WRITEs up to that one are durable."""
        if not self.mark < acknowledged <= self.last_sent:
            return
        self.mark = acknowledged
        self.settle(lambda write: write.sequence, acknowledged)
        self.restart_window()
        self.send_writes()
        self.ask()

    def settle(self, sequence, applied):
        """Writes up to that sequence are on the server's disk."""
        while self.window and 0 < sequence(self.window[0]) <= applied:
            write = self.window.pop(0)
            for sector, body in write.sectors.items():
                self.keep(write.drive, sector, body)
            self.tell(f"acknowledged {write.identity}")
        self.settle_flushes()

    def fail_writes(self, is_failed, reason):
        failed = [write for write in self.window if is_failed(write)]
        self.window = [write for write in self.window if not is_failed(write)]
        for write in failed:
            self.tell(f"failed {write.identity} {reason}")
        self.settle_flushes()

    def settle_flushes(self):
        unacknowledged = {write.identity for write in self.window}
        for identity, awaited in list(self.flushes.items()):
            if not awaited & unacknowledged:
                del self.flushes[identity]
                self.tell(f"flushed {identity}")
