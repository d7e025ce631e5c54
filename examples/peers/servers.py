#!/usr/bin/env -S python3 -B
"""Measures vdisk-server beside a bare broker, a bare echo and the server in use today, all on this machine.

    servers.py reads_embedded CHANNELS WINDOW      reads_joined CHANNELS WINDOW
    servers.py memory_at_rest                      memory_written CHANNELS SECTORS
    servers.py connect DEVICES                     durable_writes CHANNELS WINDOW
    servers.py trace DELAY_MS

Prints one JSON object by name: `ours`, and of each of the others its values and our ratios to it. A ratio is the median
of rounds in which they took turns. It builds what it measures, and what it starts ends with it. It needs mosquitto and
Debian's python3-paho-mqtt.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from processes import RELEASE, ROOT, bare, build, embedded, joined, mosquitto, pydisksvr

TRACE = ROOT / "examples/traces/11_mixed_tools_on_B.trace"
ROUNDS = 9
ROUND_S = 0.5
# A connection is a file, at either end.
FILES = 20_000
SYNCS = 200
SYNC_BYTES = 4_096
# More than that is not asked of any disk.
MOST_WRITES = 20_000


def bench(server, *options):
    """What vdisk-bench measures. An answer of ours that was lost or wrong is no figure."""
    command = [RELEASE / "vdisk-bench", "--quiet", "--json", "--broker", server.url, *options]
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if finished.returncode != 0:
        sys.exit(finished.stderr)
    report = json.loads(finished.stdout)
    ours = report["load"]["sides"][0] if "load" in report else {}
    if ours.get("fault_count") or report.get("connect", {}).get("failed"):
        sys.exit(f"answers were lost or wrong:\n{finished.stdout}")
    return report


def reads(server, others, channels, window, *options):
    """Legacy reads: rates, and latencies in microseconds."""
    beside = [option for other in others.values() for option in ("--beside", other.url)]
    load = ["--protocol", "legacy", "--channels", channels, "--window", window]
    rounds = ["--rounds", ROUNDS, "--seconds", ROUNDS * ROUND_S]
    report = bench(server, *load, *rounds, *options, *beside)["load"]
    names = {other.address: name for name, other in others.items()}
    measured = {}
    for side in report["sides"]:
        name = {"legacy": "ours", "echo": "echo"}.get(side["name"]) or names[side["broker"]]
        measured[name] = {"rate": side["rate"], "latency": side["reads"]["median_us"]}
    for ratio in report["ratios"]:
        name = "echo" if ratio["to"] == "echo" else names[ratio["to_broker"]]
        measured[name] |= {"rate_ratio": ratio["rate"], "latency_ratio": ratio["median_latency"]}
    return measured


def reads_embedded(started, folder, channels, window):
    broker = started(mosquitto(folder))
    started(pydisksvr(broker, folder))
    others = {"bare hook": started(bare(folder)), "PyDiskSvr": broker}
    return reads(started(embedded(folder)), others, channels, window)


def reads_joined(started, folder, channels, window):
    broker, other = started(mosquitto(folder)), started(mosquitto(folder))
    started(pydisksvr(other, folder))
    started(joined(broker, folder))
    return reads(broker, {"PyDiskSvr": other}, channels, window, "--echo")


def memory_at_rest(started, folder):
    programs = {"ours": embedded(folder), "mqtt5": bare(folder)}
    return {name: {"bytes": started(program).resident_bytes()} for name, program in programs.items()}


def connect(started, folder, devices):
    """Seconds until so many devices that come at once are there."""
    programs = {"ours": embedded(folder), "mqtt5": bare(folder, "--no-hook"), "mosquitto": mosquitto(folder)}
    programs = {name: started(program) for name, program in programs.items()}
    seconds = {name: [] for name in programs}
    for _ in range(3):
        for name, program in programs.items():
            report = bench(program, "--connect", devices, "--timeout-ms", 60_000)
            seconds[name].append(report["connect"]["seconds"])
    ratio = lambda name: median(ours / other for ours, other in zip(seconds["ours"], seconds[name]))
    return {name: {"seconds": median(seconds[name]), "seconds_ratio": ratio(name)} for name in programs}


def sync_seconds(folder):
    """What a sync of one page takes on the disk, into a file that has its length."""
    file = os.open(folder / "syncs", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        os.pwrite(file, bytes(SYNCS * SYNC_BYTES), 0)
        os.fsync(file)
        took = []
        for place in range(SYNCS):
            begin = time.perf_counter()
            os.pwrite(file, b"\x01" * SYNC_BYTES, place * SYNC_BYTES)
            os.fdatasync(file)
            took.append(time.perf_counter() - begin)
        return median(took)
    finally:
        os.close(file)


def durable_writes(started, folder, channels, window):
    """Acknowledged writes a second; the disk's own are a window of all channels for each of its syncs."""
    server = started(embedded(folder))
    load = ["--protocol", "v2", "--channels", channels, "--window", window, "--writes", 100, "--rounds", 1]
    # Each disk's first write copies its template.
    bench(server, *load, "--requests", 10 * channels * window)
    rounds = []
    for _ in range(5):
        most = min(MOST_WRITES, channels * window / sync_seconds(folder))
        rounds.append((bench(server, *load, "--seconds", 2)["load"]["sides"][0]["rate"], most))
    ours, disk = (median(column) for column in zip(*rounds))
    ratio = median(rate / most for rate, most in rounds)
    return {"ours": {"rate": ours}, "disk": {"rate": disk, "rate_ratio": ratio}}


def memory_written(started, folder, channels, sectors):
    """Resident bytes once each of so many devices wrote so many sectors. Their connections are the broker's."""
    broker = started(mosquitto(folder))
    server = started(joined(broker, folder))
    load = ["--protocol", "v2", "--channels", channels, "--window", 1, "--writes", 100, "--rounds", 1]
    bench(broker, *load, "--requests", channels * sectors, "--timeout-ms", 600_000)
    return {"ours": {"bytes": server.resident_bytes()}}


def trace(started, folder, delay_ms):
    """Seconds that the CPU waits for its disk in a recorded session."""
    played = bench(started(embedded(folder)), "--trace", TRACE, "--delay-ms", delay_ms)["trace"]
    today, ours = played["today"], played["platter"]
    if ours["wrong"] or ours["lost"]:
        sys.exit(f"answers were lost or wrong: {played}")
    others = {"seconds": today["wait_seconds"], "seconds_ratio": played["ratio"]}
    return {"ours": {"seconds": ours["wait_seconds"]}, "LRU of 800": others}


MEASUREMENTS = [reads_embedded, reads_joined, memory_at_rest, connect, durable_writes, memory_written, trace]


def main():
    name, *numbers = sys.argv[1:] or sys.exit(__doc__)
    measure = {measure.__name__: measure for measure in MEASUREMENTS}.get(name) or sys.exit(__doc__)
    # Whoever ends this ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most if most < FILES else FILES, most))
    build()
    # Not in memory, as /tmp may be.
    with tempfile.TemporaryDirectory(dir=ROOT / "target", prefix="servers-") as folder, ExitStack() as stack:
        print(json.dumps(measure(stack.enter_context, Path(folder), *map(int, numbers)), indent=2))


if __name__ == "__main__":
    main()
