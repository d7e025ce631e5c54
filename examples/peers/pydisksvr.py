#!/usr/bin/env python3
"""A server of virtual disks as the one in use today is: paho-mqtt, a callback a message, whole images in memory, all of
which are saved every 30 s. Nothing is durable before. It speaks version 1 only.

    pydisksvr.py HOST PORT TEMPLATE

A channel's image is a copy of TEMPLATE, and is saved below the current folder as CHANNEL.dsk.
"""

import sys
import threading
from pathlib import Path

import paho.mqtt.client as mqtt

SECTOR_LENGTH = 137
OFFSET_LENGTH = 4
SAVE_EVERY_S = 30


class Server:
    def __init__(self, template):
        self.template = template
        self.images = {}
        self.dirty = set()
        self.lock = threading.Lock()

    def image(self, channel):
        if channel not in self.images:
            self.images[channel] = bytearray(self.template)
        return self.images[channel]

    def on_connect(self, client, *_):
        client.subscribe([("altair/+/vdisk/read", 0), ("altair/+/vdisk/write", 0)])
        print("ready", flush=True)

    def on_message(self, client, _, message):
        _, channel, _, operation = message.topic.split("/")
        offset = int.from_bytes(message.payload[:OFFSET_LENGTH], "little")
        with self.lock:
            image = self.image(channel)
            if operation == "read":
                sector = bytes(image[offset : offset + SECTOR_LENGTH]).ljust(SECTOR_LENGTH, b"\0")
                client.publish(f"altair/{channel}/vdisk/data", message.payload[:OFFSET_LENGTH] + sector)
            else:
                sector = message.payload[OFFSET_LENGTH:]
                image[offset : offset + len(sector)] = sector
                self.dirty.add(channel)

    def save(self):
        with self.lock:
            for channel in self.dirty:
                Path(f"{channel}.dsk").write_bytes(self.images[channel])
            self.dirty.clear()


def client_of(name):
    """Version 2 of paho-mqtt wants to be told which callbacks it is to call."""
    version = getattr(mqtt, "CallbackAPIVersion", None)
    return mqtt.Client(version.VERSION2, client_id=name) if version else mqtt.Client(client_id=name)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    host, port, template = sys.argv[1:]
    server = Server(Path(template).read_bytes())
    client = client_of("pydisksvr")
    client.on_connect = server.on_connect
    client.on_message = server.on_message
    client.connect(host, int(port))
    client.loop_start()
    while True:
        threading.Event().wait(SAVE_EVERY_S)
        server.save()


if __name__ == "__main__":
    main()
