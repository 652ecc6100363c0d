"""F1 to F6, F13: files that are renamed, cut, rewritten, deleted."""

import os
import shutil
import threading
import time

from .rig import PATIENCE_SECONDS, Rig, until
from .rows import expect, row


class Lines:
    """Numbered lines for any file; the numbers go on from one to the next."""

    def __init__(self, rig, filler=(0, 300)):
        self.rig, self.filler, self.count = rig, filler, 0

    def make(self, count):
        """So many lines as bytes; from now on they count as written."""
        random = self.rig.turn.random
        first, self.count = self.count, self.count + count
        return b"".join(
            f'{{"n":{n},"filler":"{"x" * random.randint(*self.filler)}"}}\n'.encode()
            for n in range(first, self.count))

    def append(self, name, count):
        path = self.rig.logs / name
        with open(path, "ab") as file:
            file.write(self.make(count))
        return path

    def rewrite(self, name, content):
        """In place, as an editor or `>` does: the file stays the same one."""
        with open(self.rig.logs / name, "wb") as file:
            file.write(content)

    def await_all(self, seconds=PATIENCE_SECONDS):
        """Until so many lines are stored; blank and rejected ones do not count."""
        until(f"{self.count} lines are stored", lambda: self.rig.ledger()["stored"] >= self.count, seconds)

    def check(self):
        return self.rig.check_exactly_once(range(self.count))


def has_open(process, path):
    """Whether a process holds the file at `path`."""
    status = os.stat(path)
    for name in os.listdir(f"/proc/{process.pid}/fd"):
        try:
            held = os.stat(f"/proc/{process.pid}/fd/{name}")
        except OSError:
            continue
        if (held.st_dev, held.st_ino) == (status.st_dev, status.st_ino):
            return True
    return False


def lost_bytes(rig):
    return rig.rows("SELECT ifnull(sum(lost_bytes), 0) FROM sources")[0][0]


@row("F1", "rename and create, again and again",
     injected="8 files: mv, a new file, the writer goes on in the old one for a moment; under load",
     expected="lost 0, twice 0; the old file is read to its end")
def rename_and_create(turn):
    rig = Rig(turn).start()
    lines = Lines(rig, filler=(0, 2_000))
    rounds = 8 if turn.quick else 60
    for generation in range(rounds):
        for number in range(8):
            path = rig.logs / f"{number}.jsonl"
            with open(path, "ab") as file:
                file.write(lines.make(turn.random.randrange(1, 30)))
                file.flush()
                # To a name that the globs match, or to one that they do not.
                os.rename(path, f"{path}.{generation}" if number % 2 else
                          rig.logs / f"{number}.{generation}.jsonl")
                file.write(lines.make(turn.random.randrange(1, 10)))
        time.sleep(turn.random.random() * 0.2)
    lines.append("0.jsonl", 1)
    lines.await_all()
    return f"{8 * rounds} rotations, {lines.check()}"


@row("F2", "rotated while the agent is away", injected="stop or kill the agent, rotate 3 times, start it",
     expected="lost 0, twice 0")
def rotated_while_away(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    for turn_number in range(2 if turn.quick else 12):
        lines.append("app.jsonl", turn.random.randrange(1, 200))
        if turn_number % 2:
            lines.await_all()
        if turn_number % 3:
            rig.agent.kill9()
        else:
            rig.agent.stop()
        lines.append("app.jsonl", turn.random.randrange(0, 50))
        for _ in range(3):
            for age in (3, 2, 1):
                old = rig.logs / (f"app.{age - 1}.jsonl" if age > 1 else "app.jsonl")
                new = rig.logs / f"app.{age}.jsonl"
                if old.exists():
                    if new.exists():
                        os.rename(new, rig.logs / f"kept.{time.monotonic_ns()}.jsonl")
                    os.rename(old, new)
            lines.append("app.jsonl", turn.random.randrange(1, 200))
        rig.start_agent()
    lines.await_all()
    return lines.check()


@row("F3", "copytruncate", injected="cp and truncate -s0 under load; the same while the daemon is away",
     expected="twice 0; lost is only what was cut unread; what the agent knew of is told to the byte")
def copy_and_truncate(turn):
    rig = Rig(turn).start()
    missing, told = truncated_under_load(turn, rig)
    size = truncated_unread(rig)
    now_told = lost_bytes(rig) - told
    expect(now_told == size, f"{size} bytes were cut unread, {now_told} are told")
    rig.ledger()
    return (f"under load {missing} bytes cut unread, {told} of them told (of the rest nobody could know); "
            f"while the daemon was away {size} cut, {now_told} told")


def truncated_under_load(turn, rig):
    lines = Lines(rig, filler=(80, 80))
    path = rig.logs / "load.jsonl"
    done = threading.Event()
    sizes = {}

    def write():
        with open(path, "ab", buffering=0) as file:
            while not done.is_set():
                for _ in range(20):
                    sizes[lines.count] = file.write(lines.make(1))
                time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for generation in range(4 if turn.quick else 40):
            time.sleep(turn.random.uniform(0.05, 0.4))
            shutil.copyfile(path, f"{path}.{generation}")
            os.truncate(path, 0)
    finally:
        done.set()
        writer.join()
    last = lines.count
    lines.append("load.jsonl", 1)
    until("the last line is stored", lambda: last in rig.numbers())
    found = rig.numbers()
    expect(max(found.values()) == 1, "lines are stored twice")
    expect(found.keys() <= set(range(lines.count)), "strange lines")
    missing = sum(sizes[n + 1] for n in range(last) if n not in found)
    told = lost_bytes(rig)
    expect(told <= missing, f"{told} bytes told as lost, {missing} are")
    os.remove(path)
    return missing, told


def truncated_unread(rig):
    """What the agent saw and could not ship; gives how many bytes that were."""
    rig.daemon.stop()
    lines = Lines(rig)
    lines.count = 10_000_000
    content = lines.make(500)
    (rig.logs / "unread").write_bytes(content)
    os.rename(rig.logs / "unread", rig.logs / "unread.jsonl")
    until("the agent has the file", lambda: has_open(rig.agent, rig.logs / "unread.jsonl"))
    before = lost_bytes(rig)
    os.truncate(rig.logs / "unread.jsonl", 0)
    rig.start_daemon()
    # Were something written at once, nobody could tell it from what is left of the old content.
    until("the loss is told", lambda: lost_bytes(rig) > before)
    first = lines.count
    lines.append("unread.jsonl", 10)
    until("the new lines are stored", lambda: all(n in rig.numbers() for n in range(first, lines.count)))
    return len(content)


@row("F4", "cut and written anew in place", injected=": > f, then 0.5, 1 and 2 times as much; agent there or away",
     expected="lost 0, twice 0 of both contents; noticed within 1 s; a new incarnation")
def rewritten_in_place(turn):
    rig = Rig(turn).start()
    lines = Lines(rig, filler=(100, 100))
    slowest = 0
    for away in (False, True):
        for parts in (1, 2, 4):
            name = f"{parts}-{away}.jsonl"
            lines.append(name, 400)
            lines.await_all()
            if away:
                rig.agent.stop()
            lines.rewrite(name, lines.make(200 * parts))
            if away:
                rig.start_agent()
            began = time.monotonic()
            lines.await_all()
            slowest = max(slowest, time.monotonic() - began)
            incarnations = rig.rows(
                "SELECT count(*) FROM sources WHERE path LIKE ?", f"%/{name}")[0][0]
            expect(incarnations == 2, f"{incarnations} incarnations of {name}")
    expect(lost_bytes(rig) == 0, "bytes are told as lost")
    return f"{lines.check()}; noticed and stored within {slowest:.1f} s"


@row("F5", "a new file gets a deleted one's inode", injected="rm and create until the inode is the same",
     expected="lost 0, twice 0: another generation is another file")
def inode_reused(turn):
    rig = Rig(turn)
    rig.start_daemon()
    lines = Lines(rig)
    seen, reused = set(), 0
    for _ in range(3 if turn.quick else 20):
        rig.start_agent()
        path = lines.append("app.jsonl", 100)
        lines.await_all()
        rig.agent.stop()
        seen.add(os.stat(path).st_ino)
        for _ in range(50):
            os.remove(path)
            path.touch()
            if os.stat(path).st_ino in seen:
                reused += 1
                break
        # Longer than what was read of the one before, so that its size tells nothing.
        lines.append("app.jsonl", 150)
        if turn.random.random() < 0.5:
            os.rename(path, rig.logs / f"{lines.count}.jsonl")
    rig.start_agent()
    lines.await_all()
    return f"{reused} inodes came again, {lines.check()}"


@row("F6", "files with the same beginning", injected="cp of a file of more than 4 KiB, then other lines to each",
     expected="all are read whole")
def same_beginning(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    head = b'{"filler":"' + b"x" * 5_000 + b'"}\n'
    copies = 4 if turn.quick else 40
    for number in range(copies):
        (rig.logs / f"{number}.jsonl").write_bytes(head)
    rig.await_lines(copies)
    for _ in range(5):
        for number in range(copies):
            lines.append(f"{number}.jsonl", turn.random.randrange(1, 20))
    rig.await_lines(copies + lines.count)
    heads = rig.rows("SELECT count(*) FROM events")[0][0] - lines.count
    expect(heads == copies, f"{heads} of {copies} first lines")
    return lines.check()
