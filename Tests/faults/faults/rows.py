"""What a row of the matrix is, and how rows are run and told of."""

import concurrent.futures
import dataclasses
import pathlib
import random
import shutil
import tempfile
import time
import traceback
from typing import Callable

REGISTRY = []


class Failure(Exception):
    """Seen, and not what is expected."""


class Skipped(Exception):
    """This machine does not permit the injection."""


@dataclasses.dataclass(frozen=True)
class Row:
    id: str
    group: str
    title: str
    injected: str
    expected: str
    quick: bool
    alone: bool
    action: Callable

    def matches(self, names):
        return any(n in (self.id, self.group) or n == self.id.rstrip("0123456789") for n in names)


class Turn:
    """What a row's action gets: a folder of its own, its randomness, and whether to be short."""

    def __init__(self, folder, seed, quick):
        self.folder, self.quick = folder, quick
        self.random = random.Random(seed)
        self._endings = []

    def at_end(self, action):
        """Runs `action` when the row is over, however it ends; the last first."""
        self._endings.append(action)

    def end(self):
        """Every one of them, whatever the others say; what they said."""
        said = []
        while self._endings:
            try:
                self._endings.pop()()
            except OSError:
                pass
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
        return said


def row(id, title, *, injected, expected, quick=True, alone=False):
    """Registers a function `action(turn) -> what was seen` that raises Failure or Skipped.

    quick: it has a short form (turn.quick) that `make test` runs. alone: nothing may run beside it.
    """
    def register(action):
        group = action.__module__.rpartition(".")[2]
        REGISTRY.append(Row(id, group, title, injected, expected, quick, alone, action))
        return action
    return register


def expect(condition, what):
    if not condition:
        raise Failure(what)


def run_row(row, seed, quick):
    """(passed, skipped or failed), what was seen, seconds."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"quipu-fault-{row.id}."))
    turn = Turn(folder, f"{seed} {row.id}", quick)
    began, left = time.monotonic(), []
    try:
        outcome, seen = "passed", row.action(turn)
    except Skipped as reason:
        outcome, seen = "skipped", str(reason)
    except Exception as error:  # one row costs only itself
        outcome, seen = "failed", f"{type(error).__name__}: {error}"
        if not isinstance(error, Failure):
            seen += "\n" + traceback.format_exc()
        seen += said(folder)
    finally:
        left = turn.end()
        shutil.rmtree(folder, ignore_errors=True)
    if left:
        outcome, seen = "failed", f"{seen}; at the end: {'; '.join(left)}"
    return outcome, seen or "as expected", time.monotonic() - began


def said(folder, lines=6):
    """The last words of the programs."""
    text = ""
    for log in sorted(folder.glob("*.log")):
        last = log.read_text(errors="replace").splitlines()[-lines:]
        text += "".join(f"\n        {log.stem}: {line[:300]}" for line in last)
    return text


def run_rows(rows, *, quick, jobs, seed):
    print(f"faults: seed {seed}", flush=True)
    counts = dict(passed=0, failed=0, skipped=0)
    failed = []

    def tell(row, result):
        outcome, seen, seconds = result
        counts[outcome] += 1
        if outcome == "failed":
            failed.append(row.id)
        mark = dict(passed="ok  ", failed="FAIL", skipped="skip")[outcome]
        print(f"{mark} {row.id:<4} {row.title}\n"
              f"       injected: {row.injected}\n       expected: {row.expected}\n"
              f"       seen:     {seen} ({seconds:.1f} s)", flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_row, r, seed, quick): r for r in rows if not r.alone}
        for done in concurrent.futures.as_completed(running):
            tell(running[done], done.result())
    for each in (r for r in rows if r.alone):
        tell(each, run_row(each, seed, quick))
    print(f"faults: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"
          + (f" ({', '.join(failed)}; again with --seed {seed})" if failed else ""))
    return 1 if failed else 0
