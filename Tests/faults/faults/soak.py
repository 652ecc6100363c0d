"""Steady load for hours: what grows that should not?"""

import collections
import dataclasses
import itertools
import os
import signal
import socket
import threading
import time

from .rig import TIMEOUT, Rig, until
from .rows import expect

# Ordinary: a few coding agents with their hooks, an application with some metrics, a dashboard.
LINES_PER_SECOND, DATAGRAMS_PER_SECOND, QUESTIONS_PER_SECOND = 20, 100, 2
# They ask at the same moments, and for a minute near the beginning without a pause, so that each reader of the
# daemon is used then: one that is used for the first time after an hour fills its cache of 2 MiB then, which looks
# like a leak.
ASKERS, HURRY_FROM_SECONDS, HURRY_SECONDS = 4, 120, 60
FILES, SERIES = 5, 50
TICKS_PER_SECOND = 10
SAMPLE_SECONDS, ROTATION_SECONDS = 10, 300
WAL_BYTES_MAX = 64 << 20
# Resident memory may grow by so much an hour, once warm.
SLOPE_KIB_PER_HOUR = 1_024
QUESTIONS = [("overview", {}), ("tools.stats", {"since": "1h"}), ("events.query", {"limit": 50}),
             ("events.summary", {"group_by": ["session"], "since": "15m"}), ("sessions.list", {"limit": 20}),
             ("metrics.query", {"metric": "soak.ms", "since": "15m", "aggregate": ["p99", "count"]}), ("stats", {})]


@dataclasses.dataclass
class Sample:
    seconds: float
    daemon_kib: int
    agent_kib: int
    daemon_descriptors: int
    agent_descriptors: int
    wal_bytes: int
    database_bytes: int


class Load:
    """Writes lines and sends datagrams; knows how many."""

    def __init__(self, rig, factor):
        self.rig, self.factor = rig, factor
        self.lines = self.datagrams = self.refused = 0
        self.sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sender.settimeout(5)
        self.sender.connect(str(rig.run / "metrics.sock"))

    def tick(self):
        """A tenth of a second of it."""
        each = LINES_PER_SECOND * self.factor // TICKS_PER_SECOND
        for file in range(FILES):
            with open(self.rig.logs / f"soak-{file}.jsonl", "ab") as log:
                for _ in range(max(1, each // FILES)):
                    n = self.lines
                    call = (f'{{"hook_event_name":"PostToolUse","session_id":"soak-{n // 2_000}",'
                            f'"tool_name":"Tool{n % 7}","tool_use_id":"soak-call-number-{n}","n":{n},'
                            f'"duration_ms":{n % 900},'
                            f'"tool_input":{{"command":"{"x" * 200}"}}}}\n')
                    log.write(call.encode())
                    self.lines += 1
        for _ in range(DATAGRAMS_PER_SECOND * self.factor // TICKS_PER_SECOND):
            text = f"soak.ms:{self.datagrams % 250}|ms|#s:{self.datagrams % SERIES}"
            self.sender.send(text.encode())
            self.datagrams += 1

    def rotate(self, generation):
        for file in range(FILES):
            path = self.rig.logs / f"soak-{file}.jsonl"
            old = self.rig.logs / f"soak-{file}.{generation - 2}.jsonl"
            old.unlink(missing_ok=True)
            os.rename(path, self.rig.logs / f"soak-{file}.{generation}.jsonl")


def sample(rig, began):
    wal = rig.database.with_name("quipu.db-wal")
    return Sample(
        time.monotonic() - began, rig.daemon.status("RssAnon"), rig.agent.status("RssAnon"),
        rig.daemon.descriptors(), rig.agent.descriptors(),
        wal.stat().st_size if wal.exists() else 0, rig.database.stat().st_size)


def slope(samples, key):
    """KiB an hour, as a line through what came after the first half: warming up is no leak."""
    late = samples[len(samples) // 2:]
    if len(late) < 3:
        return 0.0
    xs = [s.seconds / 3_600 for s in late]
    ys = [getattr(s, key) for s in late]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def ask_on_and_on(rig, factor, hurry, ending, counts):
    # A machine may stand still for a minute; who waits for an answer stood with it.
    connection = rig.connect(300)
    pause = ASKERS / (QUESTIONS_PER_SECOND * factor)
    next_question = time.monotonic()
    for method, params in itertools.cycle(QUESTIONS):
        now = time.monotonic()
        next_question = now if hurry[0] <= now < hurry[1] else next_question + pause
        if ending.wait(max(0, next_question - now)):
            return connection.close()
        reply = connection.ask_any(method, **params)
        # On a slow machine the answer may be that it took too long; that is one, too.
        late = reply.get("error", {}).get("code") == TIMEOUT
        expect("result" in reply or late, f"{method}: {reply}")
        counts["late" if late else "answered"] += 1


def soak(turn, seconds, factor=10, tell=lambda text: None):
    """Runs the load, samples, and says what was seen; Failure where something grew or was lost."""
    rig = Rig(turn)
    config = turn.folder / "quipu.yaml"
    config.write_text("retention:\n  database_max_bytes: 268435456\n")
    rig.start_daemon("--config", config)
    rig.start_agent()
    load, ending, asked = Load(rig, factor), threading.Event(), collections.Counter()
    samples, began, generation = [], time.monotonic(), 0
    hurry_from = began + min(HURRY_FROM_SECONDS, seconds / 5)
    hurry = hurry_from, hurry_from + min(HURRY_SECONDS, seconds / 10)
    askers = [threading.Thread(target=ask_on_and_on, args=(rig, factor, hurry, ending, asked), daemon=True)
              for _ in range(ASKERS)]
    for asker in askers:
        asker.start()
    turn.at_end(ending.set)
    next_sample = next_rotation = began
    for tick in itertools.count(1):
        load.tick()
        now = time.monotonic()
        if now >= next_sample:
            next_sample = now + min(SAMPLE_SECONDS, seconds / 20)
            samples.append(sample(rig, began))
            tell(f"{samples[-1]}")
            expect(all(asker.is_alive() for asker in askers), "a question was not answered")
        if now >= next_rotation + min(ROTATION_SECONDS, seconds / 4):
            next_rotation = now
            generation += 1
            load.rotate(generation)
            rig.daemon.signal(signal.SIGHUP)
            rig.agent.signal(signal.SIGHUP)
        if now - began >= seconds:
            break
        time.sleep(max(0, began + tick / TICKS_PER_SECOND - time.monotonic()))
    ending.set()
    for asker in askers:
        asker.join()
    total = load.lines + load.datagrams
    until("all is in", lambda: rig.ask("ledger", limit=1)["total"]["received"] >= total)
    ledger = rig.ledger()
    missed = sum(ledger["lost"].values()) + sum(ledger["rejected"].values())
    expect(ledger["received"] == total and missed == 0, f"{total} sent: {ledger}")
    rig.stop()
    return verdict(samples, load, asked, seconds)


def verdict(samples, load, asked, seconds):
    late = samples[len(samples) // 2:]
    wal = max(s.wal_bytes for s in samples)
    expect(wal <= WAL_BYTES_MAX, f"the log in front of the database grew to {wal >> 20} MiB")
    said = []
    for program in ("daemon", "agent"):
        descriptors = [getattr(s, f"{program}_descriptors") for s in late]
        expect(max(descriptors) - min(descriptors) <= 16, f"descriptors of the {program}: {descriptors}")
        growth = slope(samples, f"{program}_kib")
        first, last = (getattr(each, program + "_kib") / 1_024 for each in (samples[0], samples[-1]))
        text = f"{program} {first:.1f} to {last:.1f} MiB"
        # Of minutes no slope an hour can be told: caches still fill.
        if seconds >= 3_600:
            expect(growth < SLOPE_KIB_PER_HOUR, f"the {program} grows by {growth:.0f} KiB an hour")
            text += f" ({growth / 1_024:+.2f} MiB/h at last)"
        said.append(f"{text}, {max(descriptors)} descriptors")
    return (f"{load.lines} lines, {load.datagrams} datagrams, all accounted for; "
            f"{asked['answered']} questions answered, {asked['late']} too late; "
            f"{'; '.join(said)}; log at most {wal >> 20} MiB, database {late[-1].database_bytes >> 20} MiB")
