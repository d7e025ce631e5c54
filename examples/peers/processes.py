"""The programs that `servers.py` measures: each runs until its `with` block ends."""

import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "examples/peers"
RELEASE = ROOT / "target/release"

HOST = "127.0.0.1"
# To start, and to end.
PATIENCE_S = 30
DISK_BYTES = 337_568
# Without nodelay it holds small messages for up to 40 ms.
MOSQUITTO = """\
listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
user root
log_dest none
"""


@dataclass
class Program:
    """A program that runs, and where it listens, if it does."""

    pid: int
    port: int | None = None

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    @property
    def url(self):
        return f"mqtt://{self.address}"

    def resident_bytes(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])


def build():
    cargo = ["cargo", "build", "--quiet", "--release"]
    subprocess.run([*cargo, "-p", "vdisk-server", "-p", "vdisk-bench"], cwd=ROOT, check=True)
    subprocess.run([*cargo, "--bin", "bare-hook"], cwd=PEERS, check=True)


@contextmanager
def running(*command, folder, ready=None):
    """Runs a program. It is ready when it says so, by a line that may end in its port."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, cwd=folder)
    too_late = threading.Timer(PATIENCE_S, process.kill)
    too_late.start()
    try:
        program = Program(process.pid)
        if ready:
            said = next(filter(None, (re.search(ready, line) for line in process.stdout)), None)
            if said is None:
                sys.exit(f"{command[0]} does not become ready")
            program.port = int(said[1]) if said.groups() else None
        too_late.cancel()
        yield program
    finally:
        too_late.cancel()
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def embedded(folder):
    """Our server, with a broker of its own."""
    options = ["--log", "error", "--listen", f"{HOST}:0", "--data", folder / "embedded"]
    return running(RELEASE / "vdisk-server", *options, folder=folder, ready=r"broker [\d.]+, port (\d+)")


def joined(broker, folder):
    """Our server, at somebody else's broker."""
    options = ["--log", "error", "--broker", broker.url, "--data", folder / "joined"]
    return running(RELEASE / "vdisk-server", *options, folder=folder, ready="^Serving")


def bare(folder, *options):
    """The embedded broker's crate alone, with a hook that answers reads or without."""
    command = [PEERS / "target/release/bare-hook", "--port", 0, *options]
    return running(*command, folder=folder, ready=r"^(\d+)$")


def pydisksvr(broker, folder):
    """What the server in use today does."""
    template = folder / "template.dsk"
    template.write_bytes(b"\xe5" * DISK_BYTES)
    # Debian's Python, which has Debian's packages.
    command = ["/usr/bin/python3", PEERS / "pydisksvr.py", HOST, broker.port, template]
    return running(*command, folder=folder, ready="^ready")


@contextmanager
def mosquitto(folder):
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    config = folder / f"mosquitto-{port}.conf"
    config.write_text(MOSQUITTO.format(port=port, host=HOST))
    with running("mosquitto", "-c", config, folder=folder) as program:
        program.port = port
        give_up = time.monotonic() + PATIENCE_S
        while not listens(port):
            if time.monotonic() > give_up:
                sys.exit("mosquitto does not listen")
            time.sleep(0.01)
        yield program


def listens(port):
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0
