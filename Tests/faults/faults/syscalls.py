"""R4: SIGKILL at every system call of one batch."""

import collections
import pathlib
import re
import sqlite3
import subprocess
import time

from .crash import in_lanes
from .datagrams import in_database
from .rig import Rig, Supervised, Writer, ping, send, until
from .rows import Failure, Skipped, expect, row

# Whose calls at the short form are worth a kill: what takes, writes, makes durable and answers.
TELLING = {"agent": {"recvmmsg": 1, "pwritev": 1, "sendto": 3},
           "daemon": {"read": 1, "pwrite64": 3, "fdatasync": 1, "write": 3}}
# Until everything of one batch is answered, with time to spare.
PATIENCE_SECONDS = 5


def is_dead(pid):
    """Also when its parent has not heard of it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def end_tracer(tracer):
    """One whose process was killed may wait for ever for the last of the threads."""
    tracer.terminate()
    try:
        tracer.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.communicate()


class Lane:
    """One rig and what was written in it."""

    def __init__(self, turn):
        self.turn, self.rig = turn, Rig(turn)
        self.rig.start_daemon()
        self.agent = Supervised(self.rig)
        self.writer = Writer(self.rig)
        self.sent = 0
        self.batch()
        self.arrived()

    def pid(self, side):
        return self.agent.pid if side == "agent" else self.rig.daemon.pid

    def batch(self):
        """A few lines of a log, and as many datagrams."""
        self.writer.write(3)
        send(self.agent.socket, *(ping(f"p{self.sent + n}") for n in range(3)))
        self.sent += 3

    def arrived(self):
        self.rig.await_lines(self.writer.next + self.sent)

    def check(self):
        self.rig.check_exactly_once(self.writer.written)
        in_database([f"p{n}" for n in range(self.sent)], self.rig.pings())
        received = self.rig.ledger()["received"]
        expect(received == self.writer.next + self.sent, f"the ledger has {received}")

    def strace(self, side, *arguments):
        """Attached to all threads of a side, or a Skipped."""
        pid = self.pid(side)
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", *arguments, "-p", str(pid)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def attached():
            ended = tracer.poll() is not None
            # Looked at afterwards: a kill may have come that soon.
            if is_dead(pid):
                return True
            if ended:
                raise Skipped(f"strace: {tracer.stderr.read().strip()}")
            threads = pathlib.Path(f"/proc/{pid}/task").glob("*/status")
            return all("TracerPid:\t0\n" not in thread.read_text() for thread in threads)
        until("strace is attached", attached)
        return tracer

    def profile(self, side):
        """How often the busiest thread does each system call in one batch: {name: count}."""
        log = self.rig.folder / f"{side}.trace"
        tracer = self.strace(side, "-o", log)
        self.batch()
        until("the batch is there", self.is_complete)
        end_tracer(tracer)
        calls = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.M))
        most = {}
        for (_, name), count in calls.items():
            most[name] = max(count, most.get(name, 0))
        return most

    def kill_at(self, side, name, number):
        """SIGKILL as a thread enters its call `number` of that name. Whether it came to that."""
        pid = self.pid(side)
        tracer = self.strace(side, "-o", "/dev/null", "-e", f"trace={name}",
                             "-e", f"inject={name}:signal=KILL:when={number}")
        self.batch()
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_dead(pid) and not self.is_complete() and time.monotonic() < end:
            time.sleep(0.01)
        end_tracer(tracer)
        # What the tracer did last may be a kill, which takes the kernel a moment.
        time.sleep(0.02)
        hit = is_dead(pid)
        if side == "daemon" and hit:
            self.rig.daemon.popen.wait()
            self.rig.start_daemon()
        elif hit:
            self.agent.await_next(pid)
        try:
            self.arrived()
            self.check()
        except Failure as failure:
            raise Failure(f"{side} killed at {name} {number}: {failure}") from None
        return hit

    def is_complete(self):
        """Asks the file: a question would be calls of the daemon's."""
        try:
            return self.rig.rows("SELECT count(*) FROM events") == [(self.writer.next + self.sent,)]
        except sqlite3.Error:
            return False


@row("R4", "killed at every system call", expected="lost 0, twice 0 for each",
     injected="SIGKILL (strace) at each call of a batch of lines and datagrams, agent and daemon")
def killed_at_every_call(turn):
    lanes = 2 if turn.quick else 4
    profiler = Lane(turn)
    points = []
    for side, telling in TELLING.items():
        most = telling if turn.quick else profiler.profile(side)
        points += [(side, name, number) for name, count in most.items() for number in range(1, count + 1)]
    profiler.check()
    turn.random.shuffle(points)

    def kill_some(own):
        lane = Lane(own)
        hits = collections.Counter()
        while points:
            point = points.pop()
            hits[point[0]] += lane.kill_at(*point)
        lane.rig.integrity()
        return hits
    total = len(points)
    hits = sum(in_lanes(turn, lanes, kill_some), collections.Counter())
    return (f"{total} calls, killed at {hits['agent']} of the agent's and {hits['daemon']} of the daemon's "
            "(the others did not come again): lost 0, twice 0")
