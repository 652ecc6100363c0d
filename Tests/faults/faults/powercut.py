"""R5: power cuts: everything that was not synced may be gone."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import sqlite3
import struct
import subprocess
import time

from . import crashstates
from .crash import in_lanes
from .rig import BIN, SUPERVISE, Rig, ping, send, until
from .rows import Failure, expect, row

PAGE = 4_096


class Recording:
    """A daemon and an agent at work under strace, and what is needed to put their disk back as it may be."""

    def __init__(self, turn, steps):
        self.turn, self.rig, self.random = turn, Rig(turn), turn.random
        self.log = self.rig.folder / "strace"
        self.spool = self.rig.folder / "agent/agent"
        # Second names of the spool's segments: a segment is known by its inode.
        self.kept = self.rig.folder / "kept"
        self.kept.mkdir()
        self.landings, self.lines, self.names = [], [], []
        self.ends = {name: [(0, 0)] for name in ("a.jsonl", "b.jsonl")}
        self.run(steps)
        self.ops = [op for op in crashstates.operations(self.log, {str(self.rig.state), str(self.spool)})
                    if os.path.basename(op.path) not in ("landing", "quipud.lock", "quipu.db-shm")]
        self.answers = list(answers(self.ops))

    def run(self, steps):
        rig = self.rig
        rig.run.mkdir()
        daemon = [BIN / "quipud", "--runtime-dir", rig.run, "--state-dir", rig.state]
        agent = [SUPERVISE, rig.folder / "agent.pid", f"metrics=datagram:{rig.run}/metrics.sock", "--",
                 BIN / "quipu-agent", "--runtime-dir", rig.run, "--state-dir", rig.folder / "agent",
                 "--watch", f"{rig.logs}/*.jsonl"]
        script = f"while :; do {words(daemon)}; done & exec {words(agent)}"
        with open(rig.folder / "programs.log", "ab") as said:
            tracer = subprocess.Popen([*crashstates.STRACE, "-o", self.log, "sh", "-c", script],
                                      stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        try:
            rig.await_health()
            until("the agent receives", (self.spool / "landing").exists)
            for number in range(1, steps + 1):
                self.step()
                # One restart of each, so that there are several segments, and checkpoints.
                if number == steps // 3:
                    os.kill(int((rig.folder / "agent.pid").read_text()), signal.SIGKILL)
                elif number == steps * 2 // 3:
                    os.kill(int((rig.state / "quipud.lock").read_text()), signal.SIGTERM)
            self.keep_segments()
            rig.await_lines(len(self.lines) + len(self.names))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(tracer.pid, signal.SIGKILL)
            tracer.wait()

    def step(self):
        name = self.random.choice(list(self.ends))
        end = self.ends[name][-1][0]
        with open(self.rig.logs / name, "ab") as file:
            for _ in range(self.random.randrange(1, 20)):
                number = len(self.lines)
                line = f'{{"n":{number},"filler":"{"x" * self.random.randrange(300)}"}}\n'.encode()
                file.write(line)
                end += len(line)
                self.lines.append(number)
                self.ends[name].append((end, number))
        for _ in range(self.random.randrange(4)):
            self.names.append(f"p{len(self.names)}")
            # Some frames lie across pages.
            send(self.rig.run / "metrics.sock", ping(self.names[-1], "y" * self.random.choice((0, 50, 3_000))))
        end = time.monotonic() + self.random.uniform(0, 0.08)
        while True:
            self.keep_segments()
            if time.monotonic() > end:
                break
            time.sleep(0.005)

    def keep_segments(self):
        with contextlib.suppress(FileNotFoundError):
            for segment in self.spool.glob("*.spool"):
                if not (self.kept / segment.name).exists():
                    os.link(segment, self.kept / segment.name)
        self.landings.append((time.time(), pages(self.spool / "landing")))

    # What was promised

    def promised(self, line):
        """What was acknowledged as durable before the cut: numbers of lines, names of datagrams."""
        numbers, datagrams = set(), set()
        for when, path, position in self.answers:
            if when >= line:
                continue
            name = os.path.basename(path)
            if name in self.ends:
                numbers |= {number for end, number in self.ends[name][1:] if end <= position}
            else:
                datagrams |= self.names_in(path, position)
        return numbers, datagrams

    def names_in(self, path, position):
        return self.named(b"".join(op.data for op in self.ops if op.kind == "write" and op.path == path)[:position])

    def named(self, content):
        return {name for name in self.names if f'"name": "{name}"'.encode() in content}

    def received(self, cut):
        """Datagrams that were in the spool before the cut."""
        return self.named(b"".join(op.data for op in self.ops[:cut] if op.path.endswith(".spool")))

    # Putting it back

    def put_back(self, cut):
        """The disk after a power cut behind operation `cut`; the operations that were before."""
        ops = self.ops[:cut]
        shutil.rmtree(self.rig.state)
        shutil.rmtree(self.spool)
        self.rig.state.mkdir(mode=0o700)
        self.spool.mkdir(mode=0o700)
        for path, content in crashstates.state(ops, self.random).items():
            name = pathlib.Path(path).name
            if name.endswith(".spool"):
                (self.kept / name).write_bytes(content)
                os.link(self.kept / name, path)
            else:
                pathlib.Path(path).write_bytes(content)
        landing = self.landing(ops[-1].time)
        if landing is not None:
            (self.spool / "landing").write_bytes(landing)

    def landing(self, moment):
        """The receiver's mapped file: each page as it was at some moment before."""
        before = [found for when, found in self.landings if when <= moment]
        if not before or self.random.random() < 0.1:
            return None
        newest = before[-1]
        content = bytearray(max(newest, default=0) + PAGE)
        for offset in newest:
            page = newest if self.random.random() < 0.5 else self.random.choice(before)
            content[offset:offset + PAGE] = page.get(offset, bytes(PAGE))
        # By this word the agent tells one start of the machine from another.
        content[56:64] = struct.pack("<q", 1)
        return bytes(content)


def words(command):
    return shlex.join(str(word) for word in command)


def pages(path):
    """The pages of a sparse file that hold something: {offset: bytes}."""
    with open(path, "rb") as file:
        content = file.read()
    return {offset: content[offset:offset + PAGE] for offset in range(0, len(content), PAGE)
            if any(content[offset:offset + PAGE])}


def answers(ops):
    """(line, path of the source, position) of everything that the daemon acknowledged as durable."""
    asked, sources = {}, {}
    for op in (op for op in ops if op.kind == "said"):
        for text in op.data.split(b"\n"):
            try:
                said = json.loads(text)
            except ValueError:
                continue
            if not isinstance(said, dict):
                continue
            method, params, result = said.get("method"), said.get("params", {}), said.get("result", {})
            if method == "ingest.open":
                asked[said["id"]] = params["source"]["path"]
            elif method == "ingest.batch":
                asked[said["id"]] = sources[params["source_id"]]
            elif "source_id" in result and said["id"] in asked:
                sources[result["source_id"]] = asked.pop(said["id"])
            elif result.get("durable") and said["id"] in asked:
                yield op.line, asked.pop(said["id"]), result["position"]


def check_file(recording, cut):
    """The database alone, before any program has seen it; the datagrams that it must have."""
    rig = recording.rig
    numbers, datagrams = recording.promised(recording.ops[cut - 1].line + 1)
    copy = rig.folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(rig.state, copy)
    original, rig.state = rig.state, copy
    try:
        if not rig.database.exists():
            expect(not numbers and not datagrams, "the database is gone")
            return datagrams
        with contextlib.closing(sqlite3.connect(rig.database)) as db:
            # Reading alone would not roll anything back.
            db.execute("BEGIN IMMEDIATE")
            db.rollback()
        rig.integrity()
        if not rig.rows("SELECT 1 FROM sqlite_schema WHERE name = 'events'"):
            expect(not numbers and not datagrams, "the tables are gone")
            return datagrams
        found = rig.numbers()
        expect(numbers <= found.keys(), f"{len(numbers - found.keys())} acknowledged lines are missing")
        expect(all(count == 1 for count in found.values()), "lines are there twice")
        for name, ends in recording.ends.items():
            here = [number in found for _, number in ends[1:]]
            expect(here == sorted(here, reverse=True), f"a hole in {name}")
        pings = rig.pings()
        expect(datagrams <= pings.keys(), f"{len(datagrams - pings.keys())} acknowledged datagrams are missing")
        return datagrams
    except sqlite3.DatabaseError as error:
        raise Failure(f"{error}") from None
    finally:
        rig.state = original


def told(rig, name):
    """Where the events of a datagram came from."""
    return rig.rows("SELECT s.id, s.key, s.position, e.offset, e.time FROM events e JOIN sources s ON s.id = e.source "
                    "WHERE e.name = (SELECT id FROM strings WHERE text = ?)", name)


def check_replay(recording, cut, datagrams):
    """Both start again and go on: the logs come whole, and of the datagrams at least what was promised, once."""
    rig = recording.rig
    (rig.run / "metrics.sock").unlink(missing_ok=True)
    rig.start()
    try:
        send(rig.run / "metrics.sock", ping("after"))
        until("what comes afterwards is there", lambda: "after" in rig.pings())
        until("the logs are there", lambda: len(rig.numbers()) >= len(recording.lines))
        rig.check_exactly_once(recording.lines)
        until("the spool is empty", lambda: len(list(recording.spool.glob("*.spool"))) <= 1)
        pings = rig.pings()
        known = {*recording.names, "after"}
        twice = [name for name, count in pings.items() if count > 1]
        expect(not twice, f"datagrams are there twice: {told(rig, twice[0]) if twice else ''}")
        expect(pings.keys() <= known, f"strange datagrams: {[str(n)[:40] for n in pings.keys() - known][:3]}")
        expect(datagrams <= pings.keys(), f"{len(datagrams - pings.keys())} acknowledged datagrams went missing")
        total = rig.ledger()
        missing = len(recording.received(cut) - pings.keys())
        expect(missing > 0 or not total["lost"], f"losses are told and nothing is missing: {total['lost']}")
        return missing
    finally:
        rig.end()


@row("R5", "the power goes",
     injected="200 states of the agent's and the daemon's disk, out of each write and sync (strace)",
     expected="acknowledged rows missing 0, holes 0, twice 0, integrity ok; the logs go on where they were")
def power_cuts(turn):
    count, lanes, steps = (4, 1, 8) if turn.quick else (25, 8, 40)

    def lane(own):
        recording, missing = Recording(own, steps), 0
        for number in range(count):
            # Also before there was anything.
            cut = own.random.randrange(1, len(recording.ops) + 1)
            try:
                recording.put_back(cut)
                missing += check_replay(recording, cut, check_file(recording, cut))
            except Failure as failure:
                raise Failure(f"state {number}, cut {cut} of {len(recording.ops)}: {failure}") from None
        kinds = [op.kind for op in recording.ops]
        return kinds.count("write"), kinds.count("sync"), len(recording.answers), missing
    writes, syncs, answered, missing = (sum(figures) for figures in zip(*in_lanes(turn, lanes, lane)))
    return (f"{count * lanes} states of {writes} writes, {syncs} syncs, {answered} acknowledgements: "
            f"missing 0, holes 0, twice 0; datagrams that were only in memory: {missing / count / lanes:.1f} a cut")
