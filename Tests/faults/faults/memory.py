"""M: memory mode: by choice at the start, by choice in use, and because the disk fails again and again."""

import json
import os
import signal
import time

from .files import Lines, lost_bytes
from .load import Load, counted, mode, send_counts
from .mounts import SmallDisk, mounting
from .rig import Rig, Writer, said, until
from .rows import expect, row

QUESTIONS = [
    ("events.query", dict(limit=1000)),
    ("events.summary", dict(group_by=["kind", "status"])),
    ("sessions.list", {}),
    ("tools.stats", {}),
    ("errors.list", {}),
    ("metrics.list", {}),
    ("overview", {}),
]


SHELL_CALLS = "SELECT count(*) FROM events WHERE name = (SELECT id FROM strings WHERE text = 'Bash')"


def tool_lines(rig, count, session):
    """Tool calls, as hooks tell of them."""
    with open(rig.logs / "hooks.jsonl", "a") as file:
        for number in range(count):
            file.write(json.dumps({
                "hook_event_name": "PostToolUse", "session_id": session,
                "tool_name": ("Bash", "Read")[number % 2],
                "tool_use_id": f"toolu_{session}_{number:012}", "tool_input": {"command": f"echo {number}"},
                "tool_response": {"stdout": "x" * 100}}) + "\n")


def answers(rig):
    """What is asked most, without what may differ: cursors and moments of asking."""
    found = {}
    for method, params in QUESTIONS:
        reply = rig.ask(method, since="1h", **params)
        for moment in ("next_cursor", "since", "until"):
            reply.pop(moment, None)
        if "series" in reply:
            reply["series"] = [s for s in reply["series"] if s["name"] == "faults.counted"]
        found[method] = reply
    return found


@row("M1", "memory by choice", injected="quipud --memory; SIGKILL; then without it",
     expected="answers as ever, nothing on the disk, told by health; all is replayed into the file")
def memory_by_flag(turn):
    rig = Rig(turn)
    rig.start_daemon("--memory")
    rig.start_agent()
    writer = Writer(rig)
    writer.write(500)
    send_counts(rig, 50)
    rig.await_lines(writer.next + 50)
    health = rig.ask("health")
    expect(health["mode"] == "memory" and health["status"] == "ok", f"health: {health}")
    expect(not rig.database.exists(), "there is a database on the disk")
    until("all counts are told of", lambda: counted(rig) == 50)
    rig.daemon.kill9()
    rig.start_daemon("--memory")
    rig.await_lines(writer.next + 50)
    rig.daemon.stop()
    rig.start_daemon()
    rig.await_lines(writer.next + 50)
    until("every count is kept", lambda: counted(rig) == 50)
    return f"{rig.check_exactly_once(writer.written)}, 50 of 50 counts"


@row("M2", "memory and back, in use",
     injected="admin.persistence and SIGHUP, again and again, under load; SIGKILL in "
     "memory",
     expected="no restart; lost 0, twice 0, every datagram counted once")
def switched(turn):
    rig = Rig(turn)
    config = rig.folder / "quipu.yaml"
    config.write_text("persistence: true\n")
    rig.start_daemon("--config", config)
    rig.start_agent()
    counts = 0
    began = rig.daemon.pid
    with Load(rig) as load:
        for number in range(2 if turn.quick else 15):
            for wanted in ("memory", "persistent"):
                send_counts(rig, 20)
                counts += 20
                if number % 2:
                    rig.ask("admin.persistence", enabled=wanted == "persistent")
                else:
                    config.write_text(f"persistence: {'true' if wanted == 'persistent' else 'false'}\n")
                    rig.daemon.signal(signal.SIGHUP)
                until(f"the mode is {wanted}", lambda: mode(rig) == wanted)
                time.sleep(turn.random.random() * 0.3)
                if wanted == "memory" and number % 5 == 4:
                    rig.daemon.kill9()
                    config.write_text("persistence: true\n")
                    rig.start_daemon("--config", config)
                    began = rig.daemon.pid
        if not turn.quick:
            deleted_in_memory(rig)
    expect(rig.daemon.pid == began and rig.daemon.popen.poll() is None, "the daemon was started anew")
    rig.await_lines(load.next + counts + (0 if turn.quick else 100))
    until("every count is kept", lambda: counted(rig) == counts)
    rig.integrity()
    if not turn.quick:
        expect(rig.rows(SHELL_CALLS) == [(50,)], "a file that was deleted in memory mode is not there")
    return f"{rig.check_exactly_once(load.written)}, {counts} of {counts} counts"


def deleted_in_memory(rig):
    """A log is read, deleted and given up while only memory has it."""
    rig.ask("admin.persistence", enabled=False)
    tool_lines(rig, 100, "s-deleted")
    until("it is read", lambda: rig.ask("tools.stats")["tools"] and sum(
        t["count"] for t in rig.ask("tools.stats")["tools"]) == 100)
    (rig.logs / "hooks.jsonl").unlink()
    # The agent gives a deleted file up after 10 s in which nobody wrote to it.
    time.sleep(13)
    rig.ask("admin.persistence", enabled=True)
    until("it is read again", lambda: rig.rows(SHELL_CALLS) == [(50,)])


@row("M5", "a log is cut while only memory has its lines",
     injected="persistence off, lines; copytruncate twice, another log written anew in place; persistence on",
     expected="what was only in memory is told as lost, to the byte; all else is stored once")
def cut_in_memory(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    cut, anew = rig.logs / "cut.jsonl", rig.logs / "anew.jsonl"

    def append(path, count):
        """Lines that are read before anything else happens; which, and their bytes."""
        first, size = lines.count, path.stat().st_size if path.exists() else 0
        lines.append(path.name, count)
        lines.await_all()
        return range(first, lines.count), path.stat().st_size - size
    for path in (cut, anew):
        append(path, 100)
    rig.ask("admin.persistence", enabled=False)
    gone = [append(cut, 100), append(anew, 100)]
    for number in range(2):
        os.truncate(cut, 0)
        until("it is read anew", lambda: said(rig, "was truncated") > number)
        latest = append(cut, 20)
        gone.append(latest)
    # The last lines still are in the log.
    gone.remove(latest)
    lines.rewrite("anew.jsonl", lines.make(400))
    lines.await_all()
    rig.ask("admin.persistence", enabled=True)
    lost = {n for numbers, _ in gone for n in numbers}
    left = set(range(lines.count)) - lost
    until("all else is stored", lambda: left <= rig.numbers().keys())
    rig.check_exactly_once(left)
    bytes_gone = sum(size for _, size in gone)
    told = lost_bytes(rig)
    expect(told == bytes_gone, f"{told} bytes told as lost, {bytes_gone} are")
    rig.stop()
    expect(lost_bytes(rig) == told, "told again")
    return f"{len(left)} lines stored once; {told} bytes of {len(lost)} lines told as lost"


@row("M3", "the same answers in memory", injected="admin.persistence off, and on again",
     expected="questions about the recent hours are answered alike in the file, in memory, in the file again")
def same_answers(turn):
    rig = Rig(turn).start()
    writer = Writer(rig)
    writer.write(300)
    tool_lines(rig, 100, "s-1")
    tool_lines(rig, 50, "s-2")
    send_counts(rig, 50)
    rig.await_lines(writer.next + 200)
    before = answers(rig)
    for isOn in (False, True):
        rig.ask("admin.persistence", enabled=isOn)
        after = answers(rig)
        for method in before:
            expect(before[method] == after[method],
                   f"{method} with persistence {isOn}: {str(after[method])[:300]}, "
                   f"before {str(before[method])[:300]}")
    return f"{len(before)} questions: no difference"


@row("M4", "a disk that comes and goes",
     injected="a small ext4 is filled and emptied again and again under load; "
     "SIGKILL meanwhile",
     expected="lost 0, twice 0, every datagram counted once")
@mounting
def flapping(turn):
    disk = SmallDisk(turn, 32)
    rig = Rig(turn, state=disk.path / "state").start()
    counts, kills = 0, 0
    with Load(rig) as load:
        rig.await_lines(100)
        for _ in range(1 if turn.quick else 8):
            disk.fill()
            send_counts(rig, 20)
            time.sleep(turn.random.random() * 2)
            counts += 20
            if turn.random.random() < 0.3:
                rig.daemon.kill9()
                rig.start_daemon()
                kills += 1
            disk.empty()
            send_counts(rig, 20)
            counts += 20
            time.sleep(turn.random.random() * 3)
    until("the database is in use", lambda: mode(rig) == "persistent")
    rig.await_lines(load.next + counts)
    until("every count is kept", lambda: counted(rig) == counts)
    rig.integrity()
    return f"{rig.check_exactly_once(load.written)}, {counts} of {counts} counts, {kills} SIGKILLs"
