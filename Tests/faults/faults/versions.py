"""R8: other versions: databases of earlier and later daemons, agents of earlier and later builds."""

import collections
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess

from .rig import BIN, PATIENCE_SECONDS, ROOT, Connection, Rig, Writer, until
from .rows import Skipped, expect, row

FIXTURES = ROOT / "Tests/Fixtures/Store"
# What the fixtures hold: 20 tool calls.
EVENTS = 20
WRITES = "pwrite64,fdatasync,ftruncate"


def load(version, rig):
    """A database as a daemon of that schema version left it."""
    rig.state.mkdir(exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        rig.database.with_name("quipu.db" + suffix).unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.executescript((FIXTURES / f"schema-{version}.sql").read_text())
        db.execute("PRAGMA journal_mode = WAL")


def version_of(rig):
    """The version that a file says it has; it must be whole and nothing in between."""
    rig.integrity()
    version = rig.rows("SELECT version FROM schema_version")[0][0]
    done = sorted(int(identifier) for (identifier,) in rig.rows("SELECT identifier FROM grdb_migrations"))
    expect(done == list(range(1, version + 1)), f"version {version}, done are {done}")
    expect(rig.rows("SELECT count(*) FROM events") == [(EVENTS,)], "events are missing")
    return version


def is_served(rig):
    """The daemon makes the file its own, with everything in it."""
    rig.start_daemon()
    expect(len(rig.ask("events.query", since="2000-01-01T00:00:00Z", limit=100)["events"]) == EVENTS, "events")
    rig.ledger()
    expect(rig.daemon.stop() == 0, "exit code")
    return version_of(rig)


def strace(rig, log, *arguments):
    # No --seccomp-bpf: with it, signals are not injected.
    command = ["strace", "-D", "-f", "-qq", "-o", str(log), "-e", f"trace={WRITES}", *arguments]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        raise Skipped("strace is not permitted")
    return command


def writes_of_migration(rig, version):
    """How many calls of each kind the migrating thread makes: the busiest until the daemon is ready."""
    load(version, rig)
    log = rig.folder / "migration.trace"
    rig.start_daemon(before=strace(rig, log))
    calls = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.M))
    expect(rig.daemon.stop() == 0, "exit code")
    return {name: max(count for (_, each), count in calls.items() if each == name) for _, name in calls}


@row("R8", "a migration is killed midway; versions that do not know each other",
     injected="SIGKILL (strace) at writes and syncs of migrations from schemas 1 and 3; a later schema;"
              " other agents; a daemon that knows less than the agent",
     expected="a whole version at each moment, then all of the newest; refused or served, never in between")
def other_versions(turn):
    rig = Rig(turn)
    left, kills = {}, 0
    for version in (1, 3):
        counts = writes_of_migration(rig, version)
        newest = version_of(rig)
        points = [(name, number) for name, count in counts.items() for number in range(1, count + 1)]
        for name, number in turn.random.sample(points, min(len(points), 1 if turn.quick else 15)):
            load(version, rig)
            rig.start_daemon(wait=False, before=strace(
                rig, "/dev/null", "-e", f"inject={name}:signal=KILL:when={number}"))
            until("killed, or ready", lambda: rig.daemon.popen.poll() is not None or is_ready(rig))
            if rig.daemon.popen.poll() is None:
                # Another time it makes a call less or two.
                rig.daemon.kill9()
            else:
                expect(rig.daemon.popen.returncode == -signal.SIGKILL, f"ended at {name} {number}")
                kills += 1
            at = version_of(rig)
            left[at] = left.get(at, 0) + 1
            expect(is_served(rig) == newest, f"not raised to {newest} after a kill at {name} {number}")
    expect(kills > 0, "no migration was killed")
    expect(turn.quick or len(left) > 1, f"all were left at {left}")
    refused = later_schema(rig, newest)
    others = f"{other_agents(turn)}; {older_daemon(turn)}"
    found = ", ".join(f"{count} at {version}" for version, count in sorted(left.items()))
    return f"{kills} migrations killed, left {found}, all raised to {newest}; {refused}; {others}"


def is_ready(rig):
    return rig.ask("health")


def later_schema(rig, newest):
    """A daemon that is older than its database refuses it, and leaves it alone."""
    def dump():
        with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None)) as db:
            return "\n".join(db.iterdump())
    with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None)) as db:
        db.execute("UPDATE schema_version SET version = ?", (newest + 1,))
    before = dump()
    done = subprocess.run(
        [BIN / "quipud", "--runtime-dir", rig.run, "--state-dir", rig.state], capture_output=True, text=True,
        timeout=60)
    expect(done.returncode != 0, "a later schema was served")
    expect(str(newest + 1) in done.stderr, f"the refusal does not say why: {done.stderr!r}")
    expect(dump() == before, "the refused database was changed")
    return f"schema {newest + 1} refused (exit code {done.returncode}), nothing changed in it"


def batch(agent, source, start, content):
    """The least that a batch says."""
    params = {"source_id": source, "from": start, "to": start + len(content), "bytes": len(content)}
    request = {"method": "ingest.batch", "id": 1, "params": params}
    agent.socket.sendall(json.dumps(request).encode() + b"\n" + content)
    return json.loads(agent.file.readline())


def other_agents(turn):
    """What an older agent leaves out is made up for, what a later one says besides is refused or ignored."""
    rig = Rig(turn)
    rig.state = rig.folder / "state-agents"
    rig.start_daemon()
    with contextlib.closing(Connection(rig.run / "ingest.sock")) as agent:
        source = {"kind": "file", "key": "file:1", "path": "/logs/a.jsonl"}
        later = agent.ask_any("ingest.open", source=source, size=8, protocol=99, wishes={"compression": "zstd"})
        opened = later.get("result") or agent.ask("ingest.open", source=source, size=8)
        expect(opened["position"] == 0, f"{opened}")
        unknown = agent.ask_any("ingest.compressed", source_id=opened["source_id"])
        expect(unknown["error"]["code"] == -32601, f"an unknown method: {unknown}")
        line = b'{"n":1}\n'
        batch(agent, opened["source_id"], 0, line)
        refused = batch(agent, opened["source_id"], 0, line)
        expect(refused["error"]["data"]["position"] == len(line), f"a batch again: {refused}")
        agent.ask("ingest.open", source=source, size=2 * len(line))
        batch(agent, opened["source_id"], len(line), line.replace(b"1", b"2"))
    rig.check_exactly_once({1, 2})
    expect(rig.daemon.stop() == 0, "exit code")
    return "a later agent's " + ("members are ignored" if "result" in later else "members are refused")


def older_daemon(turn):
    """One that does not know a word of the agent's: the agent says which, keeps its lines, and tries again."""
    rig = Rig(turn)
    rig.state = rig.folder / "state-older"
    path = rig.run / "ingest.sock"
    rig.run.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    writer = Writer(rig, "older.jsonl")
    writer.write(10)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as older:
        older.bind(str(path))
        older.listen()
        older.settimeout(PATIENCE_SECONDS)
        rig.start_agent(env={**os.environ, "QUIPU_RESCAN_SECONDS": "1"})
        client = older.accept()[0]
        with contextlib.closing(client), client.makefile("rb") as lines:
            request = json.loads(lines.readline())
            error = {"code": -32602, "message": "Invalid params",
                     "data": {"reason": "invalid_params", "path": "source.kind", "hint": "one of sticks, stones"}}
            client.sendall(json.dumps({"id": request["id"], "error": error}).encode() + b"\n")
            log = rig.folder / "quipu-agent.log"
            until("the agent says what was refused",
                  lambda: "source.kind: one of sticks, stones" in log.read_text())
    rig.start_daemon()
    rig.await_lines(writer.next)
    rig.check_exactly_once(writer.written)
    rig.stop()
    return "what a daemon does not know is named by its agent, and sent again later"
