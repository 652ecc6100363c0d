"""D: disks that fill, fail, may not be written; databases that are locked or held."""

import contextlib
import os
import random
import sqlite3
import subprocess
import time

from .load import Load, counted, mode, problems, send_counts
from .mounts import SmallDisk, mounting
from .rig import Rig, Writer, until
from .rows import expect, row


# How long D5 holds its reader at least; the matrix says 600, which no run of all rows has time for.
HOLD_SECONDS = float(os.environ.get("QUIPU_HOLD_SECONDS", "0"))


def back_in_use(rig, since, seconds=60):
    """Until the database is in use again; how long that took."""
    until("the database is in use again", lambda: mode(rig) == "persistent", seconds)
    return time.monotonic() - since


@row("D1", "the disk is full",
     injected="a file takes every byte of a small ext4, under load; SIGKILL while full",
     expected="told at once, nothing acknowledged, questions answered; all there once there is room")
@mounting
def full_disk(turn):
    disk = SmallDisk(turn, 32)
    rig = Rig(turn, state=disk.path / "state").start()
    with Load(rig) as load:
        rig.await_lines(200)
        disk.fill()
        began = time.monotonic()
        until("health says that the disk is full", lambda: "disk_full" in problems(rig))
        told = time.monotonic() - began
        before, resident = load.next, rig.daemon.status("VmRSS")
        send_counts(rig, 100)
        until("questions know of new lines", lambda: rig.ledger()["received"] > before)
        reply = rig.connect().ask_any("documents.put", id="x", kind="note", body={"a": 1})
        expect(reply.get("error", {}).get("code") == -32005, f"a document that cannot be kept: {reply}")
        if not turn.quick:
            time.sleep(5)
            rig.daemon.kill9()
            # What the ballast was goes to somebody else.
            disk.fill()
            rig.start_daemon()
            until("health says it after a start on the full disk", lambda: "disk_full" in problems(rig))
            send_counts(rig, 100)
        growth = rig.daemon.status("VmRSS") - resident
        disk.empty()
        took = back_in_use(rig, time.monotonic())
    counts = 100 if turn.quick else 200
    rig.await_lines(load.next + counts)
    seen = rig.check_exactly_once(load.written)
    until("every count is kept", lambda: counted(rig) == counts)
    rig.integrity()
    return f"told after {told:.1f} s, in use {took:.1f} s after there was room, +{growth >> 10} MiB, {seen}"


@row("D2", "the database itself fills the disk", injected="lines until a small ext4 is full",
     expected="the oldest gives way without an operator, a tenth of the disk or more is free; the newest is "
     "kept; integrity",
     quick=False)
@mounting
def retention_on_full_disk(turn):
    disk = SmallDisk(turn, 32)
    rig = Rig(turn, state=disk.path / "state").start()
    writer = Writer(rig)
    noise = random.Random(turn.random.random())
    lines = 0
    log = rig.folder / "quipud.log"
    fullest = disk.free
    while "make room" not in log.read_text():
        fullest = min(fullest, disk.free)
        expect(lines < 200_000, "the disk never became full")
        with open(writer.path, "ab") as file:
            for _ in range(1000):
                filler = noise.randbytes(400).hex()
                file.write(f'{{"n":{lines},"filler":"{filler}"}}\n'.encode())
                lines += 1
        rig.await_lines(lines - 2000)
    freed = []

    def used_again():
        freed.append(room(disk))
        return mode(rig) == "persistent"
    until("the database is in use again", used_again)
    expect(max(freed) * 10 >= disk.size, f"{max(freed)} of {disk.size} bytes were made free")
    # What memory has while it stands in does not count.
    until("all lines are in the file", lambda: (
        mode(rig) == "persistent" and rig.ledger()["received"] >= lines and mode(rig) == "persistent"))
    numbers = rig.numbers()
    expect(all(count == 1 for count in numbers.values()), "lines are there twice")
    expect(lines - 1 in numbers, "the newest line is not there")
    ledger = rig.ledger()
    expect(ledger["received"] == lines == ledger["stored"], f"of {lines} lines: {ledger}")
    expect(0 not in numbers, "nothing was taken away")
    rig.integrity()
    gone = lines - len(numbers)
    expect(gone >= lines // 10, f"{gone} of {lines} lines gave way")
    return (f"{gone} of {lines} lines gave way; of the disk {100 * fullest // disk.size} % were free, then "
            f"{100 * max(freed) // disk.size} %")


def room(disk):
    """What may be used: what is free, and the ballast that is put aside again as soon as there is room."""
    ballast = disk.path / "state/quipu.ballast"
    with contextlib.suppress(FileNotFoundError):
        return disk.free + ballast.stat().st_blocks * 512
    return disk.free


@row("D4", "the database is locked", injected="another program holds BEGIN EXCLUSIVE",
     expected="no crash; questions answered, health says so; lost 0, twice 0 after it lets go")
def locked(turn):
    rig = Rig(turn).start()
    with Load(rig) as load:
        rig.await_lines(100)
        with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            held = time.monotonic()
            told = until("health says that it is locked", lambda: rig.ask("health")["status"] == "degraded")
            while time.monotonic() - held < (0.5 if turn.quick else 30):
                rig.ask("tools.stats")
                time.sleep(0.2)
            other.execute("ROLLBACK")
        freed = time.monotonic()
        until("health is well again", lambda: rig.ask("health")["status"] == "ok")
        took = time.monotonic() - freed
    expect(told, "health")
    rig.await_lines(load.next)
    return f"well {took:.1f} s after it was let go, {rig.check_exactly_once(load.written)}"


@row("D5", "a reader holds an old state of the file",
     injected="BEGIN and a SELECT in another program, under load",
     expected="the write-ahead log stays under 64 MiB; then it is short again; lost 0, twice 0", quick=False)
def long_reader(turn):
    rig = Rig(turn).start()
    writer = Writer(rig, filler=900)
    writer.write(1000)
    rig.await_lines(1000)
    held = time.monotonic() + HOLD_SECONDS
    log = rig.state / "quipu.db-wal"
    longest = 0
    with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM events").fetchone()
        end = time.monotonic() + 120
        while "log_held" not in problems(rig):
            writer.write(2000)
            rig.await_lines(writer.next - 4000)
            longest = max(longest, log.stat().st_size)
            expect(time.monotonic() < end, f"the log is {longest >> 20} MiB long and nothing holds it")
        before = writer.next
        writer.write(2000)
        until("questions know of new lines", lambda: rig.ledger()["received"] > before)
        longest = max(longest, log.stat().st_size)
        while time.monotonic() < held:
            writer.write(100)
            rig.await_lines(writer.next)
            longest = max(longest, log.stat().st_size)
            time.sleep(1)
        other.execute("ROLLBACK")
    expect(longest < 64 << 20, f"the log was {longest >> 20} MiB long")
    took = back_in_use(rig, time.monotonic())
    rig.await_lines(writer.next)
    until("the log is short", lambda: log.stat().st_size < 40 << 20)
    seen = rig.check_exactly_once(writer.written)
    return f"longest log {longest >> 20} MiB, in use {took:.1f} s after, {seen}"


@row("D7", "the disk may not be written",
     injected="a read-only mount, a directory of somebody else's at the start; "
     "files made immutable under load",
     expected="an error that names it and exit code 1; memory stands in while it lasts; lost 0, twice 0")
@mounting
def read_only(turn):
    disk = SmallDisk(turn, 24)
    rig = Rig(turn, state=disk.path / "state")
    disk.remount("ro")
    refused(rig, "Read-only file system")
    disk.remount("rw")
    rig.state.mkdir()
    os.chmod(disk.path, 0o755)
    os.chmod(rig.state, 0o700)
    os.chmod(turn.folder, 0o755)
    if os.access("/usr/bin/setpriv", os.X_OK):
        run = turn.folder / "elsewhere"
        run.mkdir()
        os.chown(run, 65534, 65534)
        refused(rig, "Permission denied", "--runtime-dir", run,
                env={"HOME": str(run)},
                before=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    rig.start()
    with Load(rig) as load:
        rig.await_lines(100)
        # A file system with files open for writing is not remounted; immutable files are the same to them.
        files = [str(p) for p in rig.state.glob("quipu.db*")]
        if subprocess.run(["sh", "-c", 'chattr +i "$@"', "-", *files], capture_output=True).returncode != 0:
            return f"refused at the start; no way here to make files read-only in use ({disk.kind})"
        until("memory stands in", lambda: mode(rig) == "degraded")
        subprocess.run(["chattr", "-i", *files], check=True)
        took = back_in_use(rig, time.monotonic())
    rig.await_lines(load.next)
    seen = rig.check_exactly_once(load.written)
    return f"refused at the start; in use {took:.1f} s after it was writable, {seen}"


def refused(rig, reason, *flags, **how):
    process = rig.start_daemon(*flags, wait=False, **how)
    began = time.monotonic()
    code = process.popen.wait(60)
    said = (rig.folder / "quipud.log").read_text()
    expect(code == 1 and reason in said.splitlines()[-1], f"exit code {code}, said {said[-300:]!r}")
    return time.monotonic() - began
