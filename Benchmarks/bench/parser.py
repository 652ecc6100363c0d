"""(h) reading StatsD lines, without a socket."""

import subprocess

from .report import Table, figure, grid
from .system import BIN, FLOORS, run_json, workspace

DATAGRAMS = 2_048
PASSES = 10
TASKS = [
    ("parse", "parse", "(h) lines taken apart by the StatsD grammar, tags included, and no more",
     "the same in C", 1.3),
    ("decode", "aggregate",
     "(h) lines decoded as the daemon does it: found, taken apart, added up by series and 10 s, "
     "with sketches", "C that parses and adds up, without sketches", None),
]


def parser(options):
    with workspace() as folder:
        text = folder / "lines"
        with open(text, "wb") as file:
            subprocess.run([FLOORS / "load", "-", "packed", str(DATAGRAMS)], check=True,
                           stdout=file)
        passes = max(1, int(PASSES * options.scale))
        tables = []
        for ours, theirs, title, floor_name, goal in TASKS:
            table = Table(title, "ns a line", floor_name, goal=goal, less_is_better=True)
            for _ in range(options.rounds):
                floor = run_json([FLOORS / "parser_floor", text, theirs, passes])
                mine = run_json([BIN / "intake-bench", text, ours, passes])
                if mine["good"] != floor["good"]:
                    raise RuntimeError(f"{mine['good']} good lines, in C {floor['good']}")
                table.add(1e9 * mine["seconds"] / mine["lines"],
                          1e9 * floor["seconds"] / floor["lines"])
            tables.append(table)
        return [*tables, allocations(text)]


def allocations(text):
    """Of ten passes more over the same lines; what comes before and after falls out."""
    rows = []
    for task in ("parse", "decode"):
        (few, lines), (many, more_lines) = (counted(text, task, passes) for passes in (10, 20))
        added = many - few
        rows.append([task, f"{more_lines - lines:,}", f"{added:,}",
                     figure(added / (more_lines - lines))])
    return grid("(h) allocations, counted by a malloc of our own",
                ["", "lines", "allocations", "for each line"], rows)


def counted(text, task, passes):
    run = subprocess.run(
        [BIN / "intake-bench", text, task, str(passes)], check=True, capture_output=True,
        env={"LD_PRELOAD": str(FLOORS / "malloc_count.so")}, text=True)
    lines = int(run.stdout.split('"lines":')[1].split(",")[0])
    return int(run.stderr.split()[-1]), lines
