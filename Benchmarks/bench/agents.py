"""(j) transcripts read for the first time and again, and (k) a day of hook calls."""

import pathlib
import statistics
import time

from .report import Table, figure, grid, spread
from .system import FLOORS, quipu, run_json, workspace, write_hook_lines

TRANSCRIPT_BYTES = 1_000_000_000
TRANSCRIPT_FILES = 50
# What ccusage's own issues report of it; it could not be run here.
PUBLISHED = [
    ["ccusage 18, 8,714 files, 3.3 GB (its #922)", "74 s", "44"],
    ["the same with a cache by file (its #922)", "18 s", "180"],
    ["ccusage, 8,642 files, 863 MB (its #766)", "28.2 s", "31"],
    ["ccstats, 27 GiB (its #175)", "12 to 18 s", "1,600 to 2,400"],
]


def transcripts(options):
    tables, again = [], []
    for mix, goal in (("plain", 0.5), ("all", None)):
        what = {"plain": "rows that say nothing of calls, tools or people",
                "all": "all rows as they come"}[mix]
        table = Table(f"(j) a first read of transcripts, {what}", "MB/s",
                      "simdjson takes each row apart", goal=goal)
        for _ in range(options.rounds):
            read_once(options, mix, table, again)
        tables.append(table)
    seconds, read = zip(*again)
    return [*tables,
            grid("(j) the same files again, one row longer: the agent started anew",
                 ["", "median (least … most)"],
                 [["seconds until that row is committed", spread(seconds)],
                  ["MB read", spread(read)]]),
            grid("(j) what others published of a full report (not run here)",
                 ["", "time", "MB/s"], PUBLISHED)]


def read_once(options, mix, table, again):
    with workspace() as folder:
        made = run_json([FLOORS / "transcripts", folder, TRANSCRIPT_FILES,
                         int(TRANSCRIPT_BYTES * options.scale), mix])
        files = sorted(folder.glob("*.jsonl"))
        floor = run_json([FLOORS / "json_floor", *files])
        with quipu() as running:
            project = running.logs / "projects" / "-home-ana-shop"
            project.mkdir(parents=True)
            cpu, began = running.cpu_seconds(), time.monotonic()
            for file in files:
                (project / file.name).hardlink_to(file)
            running.await_lines(made["rows"])
            seconds = time.monotonic() - began
            table.add(made["bytes"] / seconds / 1e6, floor["bytes"] / floor["seconds"] / 1e6)
            table.note(cpu_seconds_per_GB=1e9 * (running.cpu_seconds() - cpu) / made["bytes"],
                       agent_mib=running.agent.memory_mib()[1],
                       daemon_mib=running.daemon.memory_mib()[1],
                       database_mb=database_bytes(running) / 1e6)
            if mix == "all":
                requests = running.ask("costs.summary", since="60d")["total"]["requests"]
                if requests != made["calls"]:
                    raise RuntimeError(f"{requests} calls of {made['calls']}")
                again.append(started_again(running, files, made["rows"]))


def started_again(running, files, rows):
    """From the start of the agent until it has told the one row that is new; and what it read."""
    running.agent.stop()
    with open(files[-1], "a") as file:
        file.write('{"type":"mode","mode":"normal","sessionId":"session-000000"}\n')
    began = time.monotonic()
    running.agent = running.start("quipu-agent", "--watch", f"{running.logs}/**/*.jsonl")
    total = running.await_lines(rows + 1)
    seconds = time.monotonic() - began
    if total["received"] != rows + 1:
        raise RuntimeError("lines were read twice")
    counts = pathlib.Path(f"/proc/{running.agent.popen.pid}/io").read_text()
    read = int(counts.partition("rchar:")[2].split()[0])
    return seconds, read / 1e6


# ---- a day of hooks --------------------------------------------------------------------------

CALLS_A_MINUTE = 100
HOOK_MS = 30


def day_of_hooks(options):
    """The calls of a day as fast as they go: what they leave in the database, and what a hook
    costs that hands its line over, beside one that takes as long as hooks usually do."""
    calls = int(24 * 60 * CALLS_A_MINUTE * options.scale)
    grown, seconds, cpu = [], [], []
    for _ in range(options.rounds):
        with workspace() as folder, quipu() as running:
            lines = folder / "day.jsonl"
            write_hook_lines(lines, calls, 1_024, 86_400)
            empty, began = database_bytes(running), time.monotonic()
            used = running.cpu_seconds()
            (running.logs / "day.jsonl").hardlink_to(lines)
            running.await_lines(calls)
            seconds.append(time.monotonic() - began)
            cpu.append(running.cpu_seconds() - used)
            running.agent.stop()
            running.daemon.stop()
            grown.append((database_bytes(running) - empty) / 1e6)
    # Two processors see the CPU of agent and daemon beside the hook's own 30 ms.
    share = 100 * statistics.median(cpu) / calls / (HOOK_MS / 1e3)
    return [grid(f"(k) a day of {CALLS_A_MINUTE} hook calls a minute, lines of 1 KB, replayed",
                 ["", "median (least … most)"],
                 [["calls", f"{calls:,}"], ["seconds", spread(seconds)],
                  ["database grown, MB a day", spread(grown)],
                  ["CPU seconds of agent and daemon", spread(cpu)],
                  [f"of that a call, in percent of a hook of {HOOK_MS} ms (goal: below 5)",
                   figure(share)]])]


def database_bytes(running):
    folder = running.database.parent
    return sum(path.stat().st_size for path in folder.glob("quipu.db*"))
