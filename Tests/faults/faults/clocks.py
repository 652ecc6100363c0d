"""C: clocks that step, leap and change their zone."""

import datetime
import os
import struct
import subprocess
import time

from .files import Lines
from .rig import ROOT, Rig, send, until
from .rows import Skipped, expect, row

SOURCE = ROOT / "Tests/Tools/clock.c"
DAY, YEAR = 86_400, 365 * 86_400
BERLIN = {"QUIPU_TIME_ZONE": "Europe/Berlin"}


class Clock:
    """The wall clock of the programs that get `env`; it can be set while they run."""

    def __init__(self, turn, **env):
        library = turn.folder / "clock.so"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE]
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode:
            raise Skipped(f"no compiler for the clock: {built.stderr.strip()[:200]}")
        self.file = turn.folder / "clock"
        self.set(0)
        self.env = {**os.environ, **env, "LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self.file)}

    def set(self, seconds):
        """So far apart from the machine's, from now on."""
        self.apart = seconds
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("q", int(seconds * 1e6)))

    def now(self):
        return time.time() + self.apart


class Clocked:
    """A rig whose programs share a clock, with lines, and counts that are sent as datagrams."""

    def __init__(self, turn, *flags, **env):
        self.rig, self.clock = Rig(turn), Clock(turn, **env)
        self.lines, self.flags = Lines(self.rig), flags
        self.sent = []
        self.start()

    def start(self):
        self.rig.start_daemon(*self.flags, env=self.clock.env)
        self.rig.start_agent(env=self.clock.env)

    def restart(self):
        self.rig.stop()
        self.start()

    def work(self, lines=50):
        """Some lines and one counted datagram, until all are stored."""
        self.lines.append("app.jsonl", lines)
        before = self.clock.now()
        send(self.rig.run / "metrics.sock", b"clock.test:1|c")
        self.sent.append((before, None))
        wanted = self.lines.count + len(self.sent)
        until(f"{wanted} lines are stored", lambda: self.rig.ledger()["stored"] >= wanted)
        self.sent[-1] = (before, self.clock.now())

    def check(self):
        """Every line once, every count in the span of ten seconds in which it was received."""
        seen = self.lines.check()
        spans = self.points()
        wrong = [span for span in self.sent
                 if not any(span[0] - 10 <= start <= span[1] for start in spans)]
        expect(not wrong and sum(spans.values()) == len(self.sent),
               f"sent at {self.sent}, counted at {spans}")
        return f"{seen}, {len(self.sent)} counts in their spans"

    def points(self):
        """How much was counted in which span of ten seconds, over all times."""
        result = {}
        for start in sorted({int(span[0] // 3_600) * 3_600 for span in self.sent}):
            reply = self.rig.ask("metrics.query", metric="clock.test", since=start, until=start + 7_200,
                                 step=10, aggregate=["sum"])
            for series in reply["series"]:
                result.update((at, value) for at, value in series["points"]["sum"] if value)
        return result


@row("C1", "the clock is set by a day",
     injected="a day on and back, while both run and across restarts of both",
     expected="lost 0, twice 0; every count in its span")
def a_day(turn):
    rig = Clocked(turn)
    for apart in (0, DAY, 0, -DAY, 0) * (1 if turn.quick else 4):
        rig.clock.set(apart)
        rig.work()
        if turn.random.random() < 0.3:
            rig.restart()
    return rig.check()


@row("C2", "the clock is set by ten years",
     injected="ten years on and back, while both run, across restarts, each until retention has run",
     expected="lost 0, twice 0; every count in its span; retention takes nothing away")
def ten_years(turn):
    rig = Clocked(turn)
    rig.work()
    runs = 0
    # The wrong past comes last: what is stamped ten years ago is old as soon as the clock is right.
    for apart in (10 * YEAR, 0, -10 * YEAR):
        rig.clock.set(apart)
        rig.work()
        rig.restart()
        rig.work()
        if not turn.quick:
            runs += await_retention(rig.rig)
    return f"{rig.check()}; retention ran {runs} times and took nothing"


def await_retention(rig):
    until("retention has run", lambda: rig.ask("stats")["retention"]["last_run"])
    taken = rig.ask("stats")["retention"]
    del taken["last_run"]
    expect(not any(taken.values()), f"retention took {taken}")
    return 1


def utc(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()


@row("C3", "summer time begins and ends",
     injected="the clock crosses both changes of Europe/Berlin; local times in lines",
     expected="lost 0, twice 0; days of 23 and 25 hours; an hour that came twice is the first")
def summer_time(turn):
    rig = Clocked(turn, TZ="Europe/Berlin", **BERLIN)
    for change in ("2026-03-29T01:00", "2026-10-25T01:00"):
        rig.clock.set(utc(change) - time.time() - 1)
        for _ in range(4 if turn.quick else 12):
            rig.work(5)
    seen = rig.check()
    hours(rig.rig)
    local_times(rig)
    return f"{seen}; days of 23, 25 and 24 hours"


def hours(rig):
    """One count each hour of three days, of which one is short and one is long."""
    for day, length in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-01", 24)):
        name = f"hours.{day}"
        first = utc(f"{day}T00:00") - 3 * 3_600
        send(rig.run / "metrics.sock", *(f"{name}:1|c|T{int(first + 3_600 * n)}".encode() for n in range(30)))
        until("the counts are there", lambda: counted(rig, name, first, 3_600) == 30)
        found = points(rig, name, first, "1d", time_zone="Europe/Berlin")
        whole = [value for _, value in found][1]
        expect(whole == length, f"{day} has {whole} hours: {found}")


def points(rig, name, first, step, **params):
    reply = rig.ask("metrics.query", metric=name, since=first - 86_400, until=first + 3 * 86_400, step=step,
                    aggregate=["sum"], **params)
    return [point for series in reply["series"] for point in series["points"]["sum"] if point[1]]


def counted(rig, name, first, step):
    return sum(value for _, value in points(rig, name, first, step))


def local_times(rig):
    """Lines with local times: before the change, in the hour that came twice, in the one that never came."""
    wanted = {"2026-10-25T01:59:59": "2026-10-24T23:59:59", "2026-10-25T02:30:00": "2026-10-25T00:30:00",
              "2026-10-25T03:00:00": "2026-10-25T02:00:00", "2026-03-29T01:59:59": "2026-03-29T00:59:59",
              "2026-03-29T02:30:00": "2026-03-29T01:30:00", "2026-03-29T03:00:00": "2026-03-29T01:00:00"}
    number = rig.lines.count
    stored = rig.rig.ledger()["stored"]
    with open(rig.rig.logs / "local.jsonl", "w") as file:
        for local in wanted:
            file.write(f'{{"n":{number},"time":"{local}"}}\n')
            number += 1
    until("the local times are stored", lambda: rig.rig.ledger()["stored"] >= stored + len(wanted))
    found = [int(moment) for moment in times_since(rig)]
    expect(found == [utc(text) for text in wanted.values()], f"{list(wanted)} became {found}")


def times_since(rig):
    """The times of the events after the numbered lines, in the order in which they came."""
    rows = rig.rig.rows("SELECT time FROM events WHERE json_extract(attributes, '$.n') >= ? ORDER BY id",
                        rig.lines.count)
    return [moment / 1e6 for moment, in rows]


@row("C4", "a leap second", injected="times that end with :60; the clock repeats a second, again and again",
     expected="lost 0, twice 0; read as the next second")
def leap_second(turn):
    rig = Clocked(turn)
    for _ in range(5 if turn.quick else 40):
        rig.clock.set(rig.clock.apart - 1)
        rig.work(5)
    seen = rig.check()
    number, stored = rig.lines.count, rig.rig.ledger()["stored"]
    with open(rig.rig.logs / "leap.jsonl", "w") as file:
        file.write(f'{{"n":{number},"time":"2016-12-31T23:59:60Z"}}\n')
        file.write(f'{{"n":{number + 1},"time":"2016-12-31T23:59:60.5+00:00"}}\n')
    until("both are stored", lambda: rig.rig.ledger()["stored"] >= stored + 2)
    found = [moment - utc("2017-01-01T00:00") for moment in times_since(rig)]
    expect(all(-1 <= apart <= 1 for apart in found), f"read as {found} s from the next year")
    return f"{seen}; :60 is read as {found} s from the next minute"
