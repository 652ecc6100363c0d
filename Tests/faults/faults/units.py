"""U: the units under this machine's own systemd: readiness, hangs and what is none, crash loops."""

import contextlib
import json
import subprocess
import threading
import time

from . import box as boxes
from .box import AGENT, DAEMON, SOCKETS
from .rig import ROOT
from .rows import Skipped, expect, row
from .soak import soak

STATE = "/var/lib/private/quipu"
LOGS = "/home/check"


def boxed(turn):
    """A box with the units installed and the sockets up; nothing else runs."""
    box = boxes.Box(turn.folder / "box")
    try:
        box.start()
    except boxes.NotPermitted as reason:
        raise Skipped(str(reason)) from None
    turn.at_end(box.stop)
    box.install()
    box("systemctl", "start", *SOCKETS)
    return box


def watchdog(box, unit, seconds, more=""):
    box.drop_in(unit, f"[Service]\nWatchdogSec={seconds}s\n{more}")
    box("systemctl", "restart", unit)


class Lines:
    """Numbered lines into a log that the box's agent tails, again and again, until told to end."""

    def __init__(self, box):
        self.box = box
        box.drop_in(AGENT, f"[Service]\nExecStart=\nExecStart={box.command_line(AGENT)} --watch "
                           f"{LOGS}/*.jsonl\n")
        box("install", "-d", "-m", "755", LOGS)
        box("systemctl", "restart", AGENT)
        program = (
            "import sys, time, threading\n"
            "ending = threading.Event()\n"
            "threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()\n"
            "n = 0\n"
            f"with open('{LOGS}/app.jsonl', 'a') as file:\n"
            "    while not ending.wait(0.02):\n"
            "        for _ in range(20):\n"
            "            file.write('{\"n\":%d,\"filler\":\"%s\"}\\n' % (n, 'x' * 400))\n"
            "            n += 1\n"
            "        file.flush()\n"
            "print(n)\n")
        self.process = box.open("python3", "-c", program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end(self):
        """All of them are in the database, each once; how many."""
        written = int(self.process.communicate(timeout=30)[0])
        box = self.box

        sql = ("SELECT count(*), count(DISTINCT json_extract(attributes, '$.n')) FROM events "
               "WHERE json_extract(attributes, '$.n') IS NOT NULL")

        def stored():
            return json.loads(box("python3", "-c", (
                "import json, sqlite3\n"
                f"db = sqlite3.connect('file:{STATE}/quipu.db?mode=ro', uri=True, timeout=30)\n"
                f"print(json.dumps(db.execute(\"\"\"{sql}\"\"\").fetchone()))\n")))
        boxes.until(f"{written} lines", lambda: stored()[0] >= written, 60)
        found = stored()
        expect(found == [written, written], f"{written} lines written, {found} (rows, different) stored")
        expect(box.ask("ledger", limit=1)["balanced"], "the ledger does not balance")
        return written


class Beside:
    """A command that runs in the box until it is ended."""

    def __init__(self, box, *command):
        self.box = box
        # Its pid inside is what can be killed there.
        self.process = box.open("sh", "-c", 'echo $$; exec "$@" >/dev/null', "sh", *command,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pid = self.process.stdout.readline().strip()

    def end(self):
        self.box("kill", "-KILL", self.pid, check=False)
        self.process.wait(10)
        self.process.stdout.close()


def delayed(box, pid, rule, follow=True):
    """strace that delays system calls of a running program."""
    tracer = Beside(box, "strace", *(["-f"] if follow else []), "-qq", "-o", "/dev/null", "-p", str(pid),
                    "-e", f"inject={rule}")
    boxes.until(f"strace of {pid}",
                lambda: box("sh", "-c", f"grep TracerPid /proc/{pid}/status").split()[1] != "0", 5)
    return tracer


@contextlib.contextmanager
def ending(*besides):
    try:
        yield
    finally:
        for each in besides:
            each.end()


def restarted(box, what, seconds, act, unit=DAEMON):
    """The seconds from `act`, which may return tracers, to a restart by the watchdog."""
    before = box.restarts(unit)
    process = box.show(unit, "MainPID")
    began = time.monotonic()
    tracers = act() or []

    def killed():
        # A thread that strace delays stays until strace ends, and with it the process.
        return box("sh", "-c", f"grep -q 'State:.Z' /proc/{process}/status || ! test -e "
                               f"/proc/{process}; echo $?") == "0"
    boxes.until(f"an end of {unit}, {what}", killed, seconds + 10)
    took = time.monotonic() - began
    for each in tracers:
        each.end()
    boxes.until(f"restart of {unit}, {what}", lambda: box.restarts(unit) > before, 10)
    boxes.until("active again", lambda: box.state(unit) == "active")
    expect(took <= seconds + 5, f"{unit}, {what}, was ended only after {took:.1f} s")
    return took


@row("U1", "READY means ready", injected="a start that takes long, asked meanwhile; a large database",
     expected="activating until then, the question answered afterwards; active within 2 s")
def readiness(turn):
    box = boxed(turn)
    box.hold(DAEMON)
    box("systemctl", "start", "--no-block", DAEMON)
    boxes.until("activating", lambda: box.state(DAEMON) == "activating")
    answers = []
    asker = threading.Thread(target=lambda: answers.append(box.ask("health", seconds=30)))
    asker.start()
    time.sleep(0.3)
    expect(box.state(DAEMON) == "activating" and not answers, "active, though nothing runs")
    box("rm", boxes.HOLD)
    asker.join()
    expect(answers and answers[0]["status"] == "ok", "who asked before READY got no answer")
    expect(box.notifications(DAEMON, "READY=1") == 1, "READY=1 was not said once")
    box("systemctl", "stop", DAEMON)
    box.drop_in(DAEMON, "")
    size = enlarge(box, 20_000 if turn.quick else 800_000)
    began = time.monotonic()
    box("systemctl", "start", DAEMON)
    took = time.monotonic() - began
    expect(box.ask("health")["status"] == "ok", "health")
    # A debug build on a busy machine is slower; the figure is what matters.
    expect(took < 10, f"active only after {took:.1f} s")
    return f"asked while activating: answered after READY; active after {took:.2f} s with {size >> 20} MiB"


def enlarge(box, rows):
    """So many events, copied from one; the file's size."""
    box("systemctl", "start", DAEMON, AGENT)
    box("python3", "-c", (
        "import socket\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.connect('/run/quipu/metrics.sock')\n"
        "s.send(b'{\"event\":\"generation\",\"name\":\"one\",\"attributes\":{\"filler\":\"' + b'x' * 300 + b'\"}}')\n"))
    boxes.until("the event", lambda: box.ask("events.query", kind="generation")["events"])
    box("systemctl", "stop", AGENT, DAEMON)
    return int(box("python3", "-c", (
        "import os, sqlite3\n"
        f"path = '{STATE}/quipu.db'\n"
        "db = sqlite3.connect(path, isolation_level=None)\n"
        "columns = [c[1] for c in db.execute('PRAGMA table_info(events)') if c[1] != 'id']\n"
        "names = ', '.join(columns)\n"
        "db.execute('BEGIN')\n"
        f"db.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) '\n"
        "           f'INSERT INTO events ({names}) SELECT {names} FROM n, (SELECT * FROM events LIMIT 1)')\n"
        "db.execute('COMMIT')\n"
        "db.execute('PRAGMA wal_checkpoint(TRUNCATE)')\n"
        "print(os.path.getsize(path))\n"), seconds=120))


@row("U2", "hangs are ended",
     injected="SIGSTOP of either; a thread of the sockets that hangs; a write that never returns",
     expected="restart within WatchdogSec and a second, lost 0, twice 0")
def hangs(turn):
    box = boxed(turn)
    seconds = 2 if turn.quick else 10
    watchdog(box, DAEMON, seconds)
    lines = Lines(box)
    seen = []

    def hang(unit):
        took = restarted(
            box, "stopped", seconds, lambda: box("systemctl", "kill", "-s", "STOP", unit), unit)
        seen.append(f"{unit.partition('.')[0]} stopped {took:.1f} s")
    # Stopped whole, they are hung in Tests/systemd/run, too.
    for unit in () if turn.quick else (DAEMON, AGENT):
        hang(unit)

    def hang_thread():
        process = box.show(DAEMON, "MainPID")
        threads = box("sh", "-c", f"cd /proc/{process}/task && grep -l '^NIO' */comm | cut -d/ -f1").split()
        expect(threads, "no thread of the sockets was found")
        # epoll returns at once, and then nothing for a minute.
        return [delayed(box, threads[0], "epoll_wait,epoll_pwait:delay_exit=60000000", follow=False)]

    def hang_writer():
        process = box.show(DAEMON, "MainPID")
        return [delayed(box, process, "fdatasync,fsync:delay_enter=60000000")]
    for what, act in (("sockets", hang_thread), ("writer", hang_writer)):
        took = restarted(box, f"{what} hung", seconds, act)
        seen.append(f"{what} hung {took:.1f} s")
    written = lines.end()
    return f"WatchdogSec={seconds}s: {', '.join(seen)}; {written} lines: lost 0, twice 0"


@row("U3", "what is slow and no hang",
     injected="stops of half the period, fsync that takes half of it, two CPU hogs, a long migration",
     expected="no restart; more time is asked for as long as something is done")
def no_false_alarms(turn):
    box = boxed(turn)
    seen = [migrates_slowly(box, turn)]
    # Half a period must be long beside what a busy machine takes to let anybody run.
    seconds = 6 if turn.quick else 10
    watchdog(box, DAEMON, seconds)
    lines = Lines(box)
    before = box.restarts()
    for _ in range(0 if turn.quick else 3):
        box("systemctl", "kill", "-s", "STOP", DAEMON)
        time.sleep(seconds / 2)
        box("systemctl", "kill", "-s", "CONT", DAEMON)
        time.sleep(seconds / 4)
    expect(box.restarts() == before, "restarted for a stop of half the period")
    if not turn.quick:
        seen.append(f"stops of {seconds / 2:g} s")
    hogs = [Beside(box, "sh", "-c", "while :; do :; done") for _ in range(2)]
    process = box.show(DAEMON, "MainPID")
    tracer = delayed(box, process, f"fdatasync,fsync:delay_enter={seconds * 500_000}")
    with ending(tracer, *hogs):
        time.sleep(seconds * (2 if turn.quick else 4))
        expect(box.restarts() == before, "restarted behind a slow disk")
    seen.append(f"fsync of {seconds / 2:g} s and two hogs")
    written = lines.end()
    expect(box.restarts() == before, "restarted")
    return f"WatchdogSec={seconds}s: no restart: {', '.join(seen)}; {written} lines: lost 0, twice 0"


def migrates_slowly(box, turn):
    """An old database whose migration takes longer than a start may."""
    # Once it is ready, the watchdog waits for the slow disk, too.
    start_limit, delay, watchdog_seconds = (4, 0.4, 2) if turn.quick else (10, 2.4, 10)
    dump = (ROOT / "Tests/Fixtures/Store/schema-3.sql").read_text()
    rows = 1_000 if turn.quick else 60_000
    box("install", "-d", "-m", "700", STATE)
    box("python3", "-c", (
        "import sqlite3, sys\n"
        f"db = sqlite3.connect('{STATE}/quipu.db', isolation_level=None)\n"
        "db.execute('PRAGMA auto_vacuum = INCREMENTAL')\n"
        "db.executescript(sys.stdin.read())\n"
        "columns = [c[1] for c in db.execute('PRAGMA table_info(events)') if c[1] not in ('id', "
        "'call_key')]\n"
        "names = ', '.join(columns)\n"
        f"db.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) '\n"
        "           f'INSERT INTO events ({names}) SELECT {names} FROM n, (SELECT * FROM events LIMIT 1)')\n"
        "db.close()\n"), text=dump)
    # DynamicUser takes the folder over when it starts.
    box.hold(DAEMON)
    path = f"/etc/systemd/system/{DAEMON}.d/check.conf"
    text = box("cat", path)
    box.drop_in(DAEMON, text + f"\nTimeoutStartSec={start_limit}s\nWatchdogSec={watchdog_seconds}s\n")
    before = box.restarts()
    box("systemctl", "start", "--no-block", DAEMON)
    boxes.until("activating", lambda: box.state(DAEMON) == "activating"
                and box.show(DAEMON, "MainPID") != "0")
    process = box.show(DAEMON, "MainPID")
    # Whatever it writes takes so long that the whole takes too long.
    rule = f"fsync,fdatasync:delay_enter={int(delay * 1e6)}"
    tracer = delayed(box, process, rule)
    began = time.monotonic()
    with ending(tracer):
        box("rm", boxes.HOLD)
        boxes.until("active", lambda: box.state(DAEMON) == "active", 240)
    took = time.monotonic() - began
    asked = box.notifications(DAEMON, "EXTEND_TIMEOUT_USEC=")
    expect(took > start_limit, f"the migration took only {took:.1f} s: nothing was shown")
    expect(box.restarts() == before, "given up on in the middle of a migration")
    expect(asked > 0, "more time was not asked for")
    expect(box.ask("health")["schema_version"] >= 6, "not migrated")
    box("systemctl", "stop", DAEMON)
    box.drop_in(DAEMON, "")
    box("sh", "-c", f"rm -f {STATE}/quipu.db*")
    return f"migration of {took:.0f} s with TimeoutStartSec={start_limit}s ({asked} times more time)"


@row("U4", "a crash loop", injected="programs that end at once; lines and datagrams meanwhile",
     expected="sockets stay active with their queues, no faster than RestartSec, lost 0")
def crash_loop(turn):
    box = boxed(turn)
    lines = Lines(box)
    box("systemctl", "start", DAEMON, AGENT)
    began = time.monotonic()
    before = box.restarts()
    box.drop_in(DAEMON, "[Service]\nExecStart=\nExecStart=/bin/false\n")
    box("systemctl", "kill", "-s", "KILL", DAEMON)
    sent = box.send("loop.n", 300)
    boxes.until("restarts", lambda: box.restarts() >= before + (8 if turn.quick else 25))
    took = time.monotonic() - began
    rate = (box.restarts() - before) / took
    expect(rate <= 5.5, f"{rate:.1f} restarts a second, with RestartSec=200ms")
    for unit in SOCKETS:
        expect(box.state(unit) == "active", f"{unit} is {box.state(unit)}")
    box.drop_in(DAEMON, "")
    boxes.until("active", lambda: box.state(DAEMON) == "active")
    boxes.until("datagrams", lambda: box.counted("loop.n") == sent)
    written = lines.end()
    return f"{rate:.1f} restarts a second, sockets active, {written} lines and {sent} datagrams: lost 0"


@row("U5", "what the manager is told", injected="reloads; ten seconds of load",
     expected="RELOADING and READY; StatusText with rate, backlog and losses, refreshed within 10 s", quick=False)
def told(turn):
    box = boxed(turn)
    box("systemctl", "start", DAEMON, AGENT)
    box.check_reload()
    box.send("status.n", 100)
    texts = {unit: box.show(unit, "StatusText") for unit in (DAEMON, AGENT)}
    began = time.monotonic()
    for unit, parts in ((DAEMON, ("lines/s", "lost", "waiting")), (AGENT, ("datagrams/s", "behind"))):
        def said():
            box.send("status.n", 20)
            text = box.show(unit, "StatusText")
            return text != texts[unit] and all(part in text for part in parts) and text
        texts[unit] = boxes.until(f"a new StatusText of {unit} with {parts}", said, 12)
    return f"after {time.monotonic() - began:.1f} s: {texts[DAEMON]!r}, {texts[AGENT]!r}"


@row("U6", "hardening", injected="systemd-analyze security and verify",
     expected="exposure 0.6 and 1.0 at most; verify says nothing", quick=False)
def hardening(turn):
    box = boxed(turn)
    box.check_exposure()
    box.check_units_are_understood()
    return ", ".join(f"{unit} <= {tenths / 10}" for unit, tenths in boxes.EXPOSURE_TENTHS.items())


@row("U8", "a soak, shortened", injected="ten times the ordinary load (make soak: two hours)",
     expected="descriptors constant, the log bounded, everything accounted for; over hours memory "
              "too")
def shortened_soak(turn):
    return soak(turn, seconds=5 if turn.quick else 40)
