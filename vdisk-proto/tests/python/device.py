#!/usr/bin/env python3
"""device.py CHANNEL [--frame BYTES] [--cache SECTORS] [--seed NUMBER]: a device of the MQTT disk protocol, on a pipe.

Written from docs/protocol.md alone, with the standard library: it shows that the page says enough. In place of a broker
and of a caller there is a pipe: standard input and output carry messages of

    flags: u8 (1: retained), topic length: u16, payload length: u32, topic, payload

with little-endian numbers. Topics that start with `altair/` are MQTT's. The others are:

    to the device
      connected   the broker is there and knows the subscription
      clock       a time in milliseconds, in decimal: that it is now
      caller      read ID DRIVE SECTOR | write ID DRIVE SECTOR HEX | flush ID | resume | end
    from the device
      caller      read ID HEX | accepted ID | full ID | acknowledged ID | flushed ID | failed ID REASON
                  drive DRIVE GENERATION | changed DRIVE | begins SESSION | speaks VERSION
                  taken-over | data-lost | nonce-repeated | refused STATUS
      done        all that follows from the message before was sent

A seed is for tests: without one, nonces come from the system's randomness, as they have to. The device ends when its
input does, or when its caller says so.
"""

import argparse
import random
import struct
import sys

from legacy import Legacy
from session import Session

HEAD = struct.Struct("<BHI")
RETAINED = 1
HELLOS_BEFORE_LEGACY = 3


class Pipe:
    def receive(self):
        """A message's flags, topic and payload, or None at the end."""
        head = sys.stdin.buffer.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        flags, topic_length, payload_length = HEAD.unpack(head)
        topic = sys.stdin.buffer.read(topic_length).decode()
        return flags, topic, sys.stdin.buffer.read(payload_length)

    def send(self, topic, payload=b""):
        topic = topic.encode()
        sys.stdout.buffer.write(HEAD.pack(0, len(topic), len(payload)) + topic + payload)

    def done(self):
        self.send("done")
        sys.stdout.buffer.flush()


class Device:
    """Speaks version 2, or legacy where nobody answers that."""

    def __init__(self, pipe, arguments):
        self.pipe = pipe
        self.prefix = f"altair/{arguments.channel}/vdisk/"
        randomness = random.SystemRandom() if arguments.seed is None else random.Random(arguments.seed)
        self.session = Session(
            arguments.channel, randomness, self.publish, self.tell, arguments.frame, arguments.cache
        )
        self.legacy = Legacy(self.publish, self.tell)
        self.is_legacy = self.is_probing = False

    def publish(self, topic, payload):
        self.pipe.send(self.prefix + topic, payload)

    def tell(self, text):
        self.pipe.send("caller", text.encode())

    def arrived(self, topic, payload):
        if topic == "v2/rsp":
            # With a write in legacy's window, the answer to a HELLO comes too early; that HELLO is said again.
            if not (self.is_legacy and self.legacy.window):
                self.session.arrived(payload)
                self.return_to_version_2()
        elif topic == "data" and (self.is_legacy or self.is_probing):
            if self.legacy.arrived(payload) and not self.is_legacy and not self.session.has_worked:
                self.fall_back()

    def fall_back(self):
        self.is_legacy = True
        self.tell("speaks 1")
        self.move_reads(self.session, self.legacy)

    def return_to_version_2(self):
        if self.is_legacy and self.session.has_worked:
            self.is_legacy = False
            self.tell("speaks 2")
            self.move_reads(self.legacy, self.session)

    def move_reads(self, old, new):
        waiting, old.waiting = old.waiting, {}
        for identity, where in waiting.items():
            new.read(identity, *(where if old is self.session else (1, where)))

    def tick(self, now_ms):
        self.session.tick(now_ms)
        self.legacy.tick(now_ms)
        if self.session.has_worked:
            self.is_probing = False
            self.legacy.requests.clear()
        elif self.session.hellos_unanswered > HELLOS_BEFORE_LEGACY and not self.is_probing:
            self.is_probing = True
            self.legacy.probe()

    def called(self, words):
        disk = self.legacy if self.is_legacy else self.session
        command, *rest = words
        if command == "read":
            identity, drive, sector = rest
            disk.read(identity, int(drive), int(sector))
        elif command == "write":
            identity, drive, sector, body = rest
            disk.write(identity, int(drive), int(sector), bytes.fromhex(body))
        elif command == "flush":
            disk.flush(*rest)
        elif command == "resume":
            self.session.resume()
        else:
            raise ValueError(command)

    def run(self):
        while message := self.pipe.receive():
            flags, topic, payload = message
            if topic == "connected":
                self.session.connected()
            elif topic == "clock":
                self.tick(int(payload))
            elif topic == "caller" and payload == b"end":
                return
            elif topic == "caller":
                self.called(payload.decode().split())
            elif topic.startswith(self.prefix) and not flags & RETAINED:
                self.arrived(topic.removeprefix(self.prefix), payload)
            self.pipe.done()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("channel")
    parser.add_argument("--frame", type=int, default=989, help="the largest frame, in bytes (989)")
    parser.add_argument("--cache", type=int, default=1_154, help="how many sectors are cached (1154)")
    parser.add_argument("--seed", type=int, help="for tests alone: where nonces come from")
    Device(Pipe(), parser.parse_args()).run()


if __name__ == "__main__":
    main()
