"""The programs as processes, and what is known of them from outside: answers, rows, ledger, /proc."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from .rows import Failure, expect

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("QUIPU_BIN", ROOT / ".build/release"))
# A stand-in for the service manager: holds sockets, starts anew what dies.
SUPERVISE = ROOT / "Tests/Tools/supervise"
PATIENCE_SECONDS = 60
# The error of a question that took too long.
TIMEOUT = -32004


def until(what, condition, seconds=PATIENCE_SECONDS):
    """Polls; the first true value. Errors of a program that is not there yet count as not true."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError):
            value = condition()
            if value:
                return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


class Process:
    def __init__(self, command, log, **how):
        self.log = open(log, "ab")
        self.popen = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, **how)

    @property
    def pid(self):
        return self.popen.pid

    def status(self, key):
        """A size of /proc/PID/status in KiB, or a count."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(next(l for l in text.splitlines() if l.startswith(key + ":")).split()[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        self.popen.send_signal(number)

    def kill9(self):
        self.popen.kill()
        self.popen.wait()

    def stop(self, seconds=PATIENCE_SECONDS):
        """SIGTERM; the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill9()
                raise Failure(f"{self.popen.args[0]} did not end within {seconds} s of SIGTERM") from None
        return self.popen.returncode


class Supervised:
    """An agent whose datagram socket outlives it, as with a service manager: what dies is started again."""

    def __init__(self, rig):
        self.pid_file = rig.folder / "agent.pid"
        rig.run.mkdir(exist_ok=True)
        self.socket = rig.run / "metrics.sock"
        self.supervisor = Process(
            [SUPERVISE, self.pid_file, f"metrics=datagram:{self.socket}", "--", BIN / "quipu-agent",
             "--runtime-dir", rig.run, "--state-dir", rig.folder / "agent", "--watch", f"{rig.logs}/**/*.jsonl"],
            rig.folder / "quipu-agent.log")
        rig.turn.at_end(self.end)
        until("the agent's socket is there", self.socket.exists)
        self.await_next(None)

    @property
    def pid(self):
        return int(self.pid_file.read_text())

    def await_next(self, pid):
        """Until another one than `pid` runs."""
        until("the agent is started again", lambda: self.pid != pid)

    def kill9(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def stop(self):
        expect(self.supervisor.stop() == 0, "the supervisor's exit code")

    def end(self):
        if self.supervisor.popen.poll() is None:
            self.stop()


class Connection:
    """One client of query.sock."""

    def __init__(self, path, seconds=PATIENCE_SECONDS):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def ask_any(self, method, **params):
        """The whole reply, error or result."""
        self.socket.sendall(json.dumps({"method": method, "params": params}).encode() + b"\n")
        line = self.file.readline()
        if not line:
            raise ConnectionResetError("no reply")
        return json.loads(line)

    def ask(self, method, **params):
        reply = self.ask_any(method, **params)
        expect("result" in reply, f"{method}: {reply.get('error')}")
        return reply["result"]

    def close(self):
        self.file.close()
        self.socket.close()


class Rig:
    """quipud and quipu-agent in a row's folder. Nothing starts by itself."""

    def __init__(self, turn, state=None):
        self.turn = turn
        self.folder = turn.folder
        self.run, self.logs = self.folder / "run", self.folder / "logs"
        # Where the daemon keeps its database; another file system in some rows.
        self.state = pathlib.Path(state or self.folder / "state")
        self.logs.mkdir(exist_ok=True)
        self.daemon = self.agent = None
        self._started = []
        turn.at_end(self.end)

    # Programs

    def start_daemon(self, *flags, before=(), wait=True, **how):
        """`before`: a command line that runs it, such as strace's."""
        self.daemon = Process(
            [*before, BIN / "quipud", "--runtime-dir", self.run, "--state-dir", self.state, *flags],
            self.folder / "quipud.log", **how)
        self._started.append(self.daemon)
        if wait:
            self.await_health()
        return self.daemon

    def start_agent(self, *flags, before=(), wait=True, **how):
        self.agent = Process(
            [*before, BIN / "quipu-agent", "--runtime-dir", self.run, "--state-dir", self.folder / "agent",
             "--watch", f"{self.logs}/**/*.jsonl", *flags],
            self.folder / "quipu-agent.log", **how)
        self._started.append(self.agent)
        if wait:
            until("the agent receives", lambda: receives(self.run / "metrics.sock"))
        return self.agent

    def start(self, *flags):
        self.start_daemon(*flags)
        self.start_agent()
        return self

    def stop(self):
        for process in (self.agent, self.daemon):
            if process:
                code = process.stop()
                expect(code == 0, f"exit code {code}")

    def end(self):
        """Ends every program that was started here and still runs."""
        for process in reversed(self._started):
            if process.popen.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.signal(signal.SIGCONT)
                process.kill9()
        self._started.clear()

    # Questions

    def await_health(self, seconds=PATIENCE_SECONDS):
        return until("quipud answers", lambda: self.ask("health"), seconds)

    def connect(self, seconds=PATIENCE_SECONDS):
        return Connection(self.run / "query.sock", seconds)

    def ask(self, method, **params):
        with contextlib.closing(self.connect()) as connection:
            return connection.ask(method, **params)

    def ask_patiently(self, method, **params):
        """Asks again where the answer is that it took too long, as it may on a busy machine."""
        def answer():
            with contextlib.closing(self.connect()) as connection:
                reply = connection.ask_any(method, **params)
            if reply.get("error", {}).get("code") == TIMEOUT:
                return None
            expect("result" in reply, f"{method}: {reply.get('error')}")
            return reply["result"]
        return until(f"{method} is answered", answer)

    def ledger(self):
        """The totals; fails when they do not balance."""
        ledger = self.ask("ledger", limit=1)
        expect(ledger["balanced"], f"the ledger does not balance: {ledger['total']}")
        return ledger["total"]

    def await_lines(self, count, seconds=PATIENCE_SECONDS):
        """Until so many lines are in the ledger."""
        seen = [0]

        def there():
            seen[0] = self.ask("ledger", limit=1)["total"]["received"]
            return seen[0] >= count
        try:
            until("", there, seconds)
        except Failure:
            raise Failure(f"{seen[0]} of {count} lines within {seconds:g} s") from None

    # Content, from the file itself

    @property
    def database(self):
        return self.state / "quipu.db"

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(sql, values).fetchall()

    def numbers(self):
        """How often each line's `n` is among the events: {n: count}."""
        sql = ("SELECT json_extract(attributes, '$.n'), count(*) "
               "FROM events WHERE kind = (SELECT id FROM strings WHERE text = 'log') GROUP BY 1")
        return {n: count for n, count in self.rows(sql) if n is not None}

    def pings(self):
        """How often each event datagram is among the events: {name: count}."""
        sql = ("SELECT (SELECT text FROM strings WHERE id = name), count(*) "
               "FROM events WHERE kind = (SELECT id FROM strings WHERE text = 'ping') GROUP BY 1")
        return dict(self.rows(sql))

    def check_exactly_once(self, written):
        """Each of the numbers `written` is one event, nothing else is, and the ledger balances."""
        found = self.numbers()
        written = set(written)
        lost = written - found.keys()
        twice = [n for n, count in found.items() if count > 1]
        strange = found.keys() - written
        expect(not (lost or twice or strange),
               f"lost {len(lost)} {sorted(lost)[:5]}, twice {len(twice)} {sorted(twice)[:5]}, "
               f"strange {len(strange)} {sorted(strange)[:5]} of {len(written)}")
        self.ledger()
        return f"{len(written)} lines: lost 0, twice 0"

    def integrity(self):
        found = self.rows("PRAGMA integrity_check")
        expect(found == [("ok",)], f"integrity_check: {found[:3]}")


class Writer:
    """Writes numbered lines and remembers which."""

    def __init__(self, rig, name="app.jsonl", filler=60):
        self.path, self.filler = rig.logs / name, "x" * filler
        self.next, self.first = 0, 0

    def line(self):
        self.next += 1
        return f'{{"n":{self.next - 1},"filler":"{self.filler}"}}\n'.encode()

    def write(self, count):
        with open(self.path, "ab") as file:
            file.write(b"".join(self.line() for _ in range(count)))

    @property
    def written(self):
        return range(self.first, self.next)


def receives(path):
    """Whether somebody is behind a datagram socket; its file outlives a process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(path))
    return True


def send(path, *datagrams, patience=PATIENCE_SECONDS):
    """Datagrams from one sender that waits while the queue is full."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(patience)
        sender.connect(str(path))
        for datagram in datagrams:
            sender.send(datagram)


def said(rig, text):
    """How often the agent's log has said so."""
    return (rig.folder / "quipu-agent.log").read_text().count(text)


def ping(name, filler=""):
    """The datagram of an event that is known by its name."""
    return json.dumps({"event": "ping", "name": name, **({"filler": filler} if filler else {})}).encode()


def traced(*inject, log="/dev/null"):
    """strace in front of a program: `traced("fdatasync:error=EIO:when=3+")`. Silent, and beside it (-D): the process
    is the program itself, which gets its signals. Stops only at the calls that are named, so it injects no signals."""
    calls = ",".join(rule.partition(":")[0] for rule in inject)
    return ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", str(log), "-e", f"trace={calls}",
            *(part for rule in inject for part in ("-e", f"inject={rule}"))]


if sys.version_info < (3, 11):
    raise SystemExit("faults: Python 3.11 is needed")
