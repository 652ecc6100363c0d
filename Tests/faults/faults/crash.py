"""R: processes that die at any moment and in any order, or are asked to end."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import time

from .rig import Rig, Writer, until
from .rows import Turn, expect, row

# The agent's and the daemon's patience with what is on its way (`Limits.batchDelayMs`, `commitDelayMs`): a
# process that is killed sooner after its start than both together has done little.
ON_ITS_WAY_SECONDS = 0.35


class Manager:
    """What a service manager is to a process: it is told when that is ready, and when it stops."""

    def __init__(self, turn, name):
        self.path = turn.folder / f"notify-{name}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        turn.at_end(self.socket.close)

    @property
    def environment(self):
        return {**os.environ, "NOTIFY_SOCKET": str(self.path)}

    def heard(self):
        """What was said since the last time, as a set of lines."""
        lines = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                lines |= set(self.socket.recv(4_096).decode().splitlines())
        return lines

    def await_word(self, word):
        return until(word, lambda: word in self.heard())


class Churn:
    """A rig whose log grows and is rotated while its processes die and come back."""

    def __init__(self, turn):
        self.rig, self.random = Rig(turn), turn.random
        self.writer = Writer(self.rig)
        self.managers = {side: Manager(turn, side) for side in ("agent", "daemon")}
        self.rotations = self.kills = 0
        self.back = []

    def start(self, side, wait=False):
        self.managers[side].heard()
        began = time.monotonic()
        getattr(self.rig, f"start_{side}")(wait=False, env=self.managers[side].environment)
        if wait:
            self.managers[side].await_word("READY=1")
            self.back.append(time.monotonic() - began)

    def process(self, side):
        return getattr(self.rig, side)

    def write(self, seconds):
        """Lines in bursts, for so long."""
        end = time.monotonic() + seconds
        while True:
            self.writer.write(self.random.randrange(1, 40))
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, self.random.uniform(0, 0.03)))
        if self.random.random() < 0.1:
            self.rotations += 1
            os.rename(self.writer.path, self.rig.logs / f"app.{self.rotations}.jsonl")
            self.writer.write(1)

    def live_and_die(self, sides, wait):
        """Some life, then SIGKILL, then the next life. `wait`: it comes back before it is to die again."""
        self.write(self.random.choice((0.03, ON_ITS_WAY_SECONDS)) * self.random.uniform(0, 2))
        for side in sides:
            self.process(side).popen.kill()
        for side in sides:
            self.process(side).popen.wait()
        self.kills += 1
        for side in sides:
            self.start(side, wait)

    def settle(self):
        """Everything arrives; what is there is what was written."""
        self.rig.await_lines(self.writer.next)
        self.rig.check_exactly_once(self.writer.written)
        self.rig.integrity()
        self.rig.stop()


def in_lanes(turn, lanes, action):
    """Several rigs at once, since each waits most of the time; the results."""
    def lane(number):
        folder = turn.folder / f"lane{number}"
        folder.mkdir()
        own = Turn(folder, turn.random.random(), turn.quick)
        try:
            return action(own)
        finally:
            own.end()
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        return list(pool.map(lane, range(lanes)))


def killed_again_and_again(turn, choose, kills, lanes):
    """`choose(random)`: which sides die together, in the order in which they come back."""
    def lane(own):
        churn = Churn(own)
        for side in ("daemon", "agent"):
            churn.start(side, wait=True)
        for number in range(kills // lanes):
            # Now and then one may come back in peace, to see how long it takes.
            churn.live_and_die(choose(churn.random), wait=number % 10 == 0)
        churn.settle()
        return churn
    churns = in_lanes(turn, lanes, lane)
    back = sorted(second for churn in churns for second in churn.back)
    return (f"{sum(c.kills for c in churns)} kills, {sum(c.rotations for c in churns)} rotations, "
            f"{sum(c.writer.next for c in churns)} lines: lost 0, twice 0; back within {back[-1]:.2f} s "
            f"(median {back[len(back) // 2]:.2f})")


@row("R1", "the agent is killed at random",
     injected="SIGKILL 500 times, from just started to at work, under load",
     expected="lost 0, twice 0; back within 1 s")
def agent_killed(turn):
    return killed_again_and_again(turn, lambda random: ["agent"], *((12, 2) if turn.quick else (500, 4)))


@row("R2", "the daemon is killed at random",
     injected="SIGKILL 500 times, from just started to at work, under load",
     expected="lost 0, twice 0, the database is whole; back within 1 s")
def daemon_killed(turn):
    return killed_again_and_again(turn, lambda random: ["daemon"], *((12, 2) if turn.quick else (500, 4)))


@row("R3", "both are killed, and come back in either order", injected="SIGKILL of both at once, 100 times",
     expected="lost 0, twice 0")
def both_killed(turn):
    def either(random):
        return random.sample(["agent", "daemon"], 2)
    return killed_again_and_again(turn, either, *((6, 2) if turn.quick else (100, 4)))


@row("R6", "asked to end under load",
     injected="SIGTERM of the agent, of the daemon, of both; lines keep coming",
     expected="STOPPING=1, exit code 0 within 5 s; lost 0, twice 0")
def asked_to_end(turn):
    churn = Churn(turn)
    for side in ("daemon", "agent"):
        churn.start(side, wait=True)
    took = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for number in range(3 if turn.quick else 30):
            sides = (["agent"], ["daemon"], ["agent", "daemon"])[number % 3]
            churn.write(churn.random.uniform(0, ON_ITS_WAY_SECONDS))
            load = pool.submit(churn.write, 0.3)
            began = time.monotonic()
            for side in sides:
                churn.process(side).signal(signal.SIGTERM)
            for side in sides:
                expect(churn.process(side).stop() == 0, f"the {side}'s exit code is not 0")
                took.append(time.monotonic() - began)
                expect("STOPPING=1" in churn.managers[side].heard(), f"the {side} did not say STOPPING=1")
            load.result()
            for side in sides:
                churn.start(side, wait=True)
    churn.settle()
    return (f"{len(took)} ended with exit code 0 after STOPPING=1, within {max(took):.2f} s, "
            f"{churn.writer.next} lines: lost 0, twice 0")
