"""D3: each call by which the daemon changes its disk fails, at its start and at work."""

import re

from .crash import in_lanes
from .disk import back_in_use
from .load import counted, mode, send_counts
from .rig import Rig, Writer, traced, until
from .rows import Failure, Skipped, expect, row

CALLS = ["pwrite64", "fdatasync", "fsync", "ftruncate", "fallocate"]
# `retval=0`: nothing was written, and no error told.
WAYS = {"pwrite64": ["error=EIO", "error=ENOSPC", "retval=0"]}
COUNTS = 10


class Lane:
    """One rig, whose daemon lives again and again, each time with another call that fails."""

    def __init__(self, turn):
        self.rig, self.random = Rig(turn), turn.random
        self.writer = Writer(self.rig)
        self.counts = 0
        self.rig.start()
        self.more()
        self.rig.daemon.stop()

    def more(self):
        """Lines and counts, and all that came before them, are in the ledger."""
        self.writer.write(self.random.randrange(1, 200))
        send_counts(self.rig, COUNTS)
        self.counts += COUNTS
        self.arrived()

    def arrived(self):
        self.rig.await_lines(self.writer.next + self.counts)

    def calls_of_a_life(self):
        """How often the busiest thread does each call from a start to what follows some lines: {name: count}."""
        log = self.rig.folder / "life.trace"
        self.rig.start_daemon(before=traced(*(f"{name}:delay_enter=0" for name in CALLS), log=log))
        self.more()
        expect(self.rig.daemon.stop() == 0, "exit code")
        most = {}
        for thread, name in re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.M):
            most.setdefault(name, {}).setdefault(thread, []).append(1)
        if not most:
            raise Skipped("strace shows nothing here")
        return {name: max(map(len, threads.values())) for name, threads in most.items()}

    def live(self, name, way, number, on):
        """A life in which a call fails once, or from then on until SIGKILL. Whether it came to that."""
        rule = f"{name}:{way}:when={number}{'+' if on else ''}"
        log = self.rig.folder / "life.trace"
        try:
            self.rig.start_daemon(before=traced(rule, log=log))
            self.more()
            expect(self.rig.daemon.popen.poll() is None, "the daemon ended")
            if on:
                self.rig.daemon.kill9()
                self.rig.start_daemon()
            if mode(self.rig) != "persistent":
                back_in_use(self.rig, 0)
            self.arrived()
            self.rig.check_exactly_once(self.writer.written)
            expect(self.rig.daemon.stop() == 0, "exit code")
            return "(INJECTED)" in log.read_text()
        except Failure as failure:
            raise Failure(f"{rule}: {failure}") from None

    def end(self):
        self.rig.start_daemon()
        back_in_use(self.rig, 0)
        self.arrived()
        self.rig.check_exactly_once(self.writer.written)
        until("every count is kept", lambda: counted(self.rig) == self.counts)
        self.rig.integrity()


@row("D3", "each write and each fsync fails",
     injected="strace: EIO, ENOSPC, nothing written, at each pwrite64, fdatasync, fsync, ftruncate, fallocate from "
              "a start to some lines, once and then from each on",
     expected="no false acknowledgement, never a crash; lost 0, twice 0, integrity")
def failing_writes(turn):
    calls = {"pwrite64": 12, "fdatasync": 4} if turn.quick else Lane(turn).calls_of_a_life()
    points = [(name, number) for name, most in calls.items() for number in range(1, most + 1)]
    turn.random.shuffle(points)
    if turn.quick:
        del points[2:]
    total = len(points)

    def some(own):
        lane, lives, hits = Lane(own), 0, 0
        while points:
            name, number = points.pop()
            for on in [own.random.random() < 0.5] if own.quick else [False, True]:
                way = own.random.choice(WAYS.get(name, ["error=EIO", "error=ENOSPC"]))
                hits += lane.live(name, way, number, on)
                lives += 1
        lane.end()
        return lives, hits, lane.writer.next, lane.counts
    lives, hits, lines, counts = map(sum, zip(*in_lanes(turn, 1 if turn.quick else 6, some)))
    at = ", ".join(f"{count} {name}" for name, count in calls.items())
    expect(hits > lives / 2, f"of {lives} failures only {hits} came to be")
    return (f"{hits} failures in {lives} lives, at {total} calls ({at}), {lines} lines and {counts} counts: "
            "lost 0, twice 0")
