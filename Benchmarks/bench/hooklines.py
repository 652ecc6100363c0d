"""(c) hook lines from a file to committed rows, beside bare inserts and what people use for it."""

import statistics
import subprocess
import time

from . import peers
from .report import Table, figure, grid, spread
from .system import FLOORS, quipu, run_json, workspace, write_hook_lines

LINES = 200_000
LINE_BYTES = 1_024
COMMIT_ROWS = 10_000


def hook_lines(options):
    count = int(LINES * options.scale)
    table = Table("(c) hook lines of 1 KB, file to committed rows", "rows/s",
                  "bare SQLite inserts of these rows in C", goal=0.7)
    rates, missing = {name: [] for name in PEERS}, {}
    with workspace() as folder:
        lines = folder / "lines.jsonl"
        write_hook_lines(lines, count, LINE_BYTES, 3600)
        for _ in range(options.rounds):
            table.add(*ours_and_floor(lines, count, table))
            for name, (insert, _) in PEERS.items():
                with peers.or_reason(lambda reason: missing.update({name: reason})):
                    database = folder / "peer.db"
                    rates[name].append(count / insert(lines, database))
                for left in folder.glob("peer.db*"):
                    left.unlink()
    ours = statistics.median(table.ours)
    rows = [["Quipu", spread(table.ours), "1", "events, tools and sessions counted, payloads "
             "compressed; WAL, synced before each acknowledgement"]]
    for name, (_, keeps) in PEERS.items():
        if name in missing:
            rows.append([name, "—", "—", missing[name]])
        else:
            ratio = ours / statistics.median(rates[name])
            rows.append([name, spread(rates[name]), figure(ratio), keeps])
    return [table, grid("(c) the same file by other means",
                        ["", "rows/s", "Quipu is so many times as fast", "what it makes"], rows)]


def ours_and_floor(lines, count, table):
    with quipu() as running:
        cpu, began = running.cpu_seconds(), time.monotonic()
        (running.logs / "bench.jsonl").hardlink_to(lines)
        running.await_lines(count)
        seconds = time.monotonic() - began
        table.note(cpu_seconds_per_million=1e6 * (running.cpu_seconds() - cpu) / count,
                   agent_mib=running.agent.memory_mib()[1],
                   daemon_mib=running.daemon.memory_mib()[1])
        running.agent.stop()
        running.daemon.stop()
        floor = run_json([FLOORS / "sqlite_floor", running.database,
                          running.folder / "floor.db", COMMIT_ROWS])
    return count / seconds, floor["events"] / floor["seconds"]


def by_sqlite_utils(lines, database):
    if not peers.PYTHON.exists():
        raise peers.Missing("no Python packages: make bench-deps")
    began = time.monotonic()
    subprocess.run([peers.PYTHON, "-m", "sqlite_utils", "insert", database, "events", lines,
                    "--nl"], check=True, capture_output=True)
    return time.monotonic() - began


def by_orjson(lines, database):
    return peers.python("orjson_insert.py", lines, database)["seconds"]


def by_duckdb(lines, database):
    return peers.python("duckdb_insert.py", lines, database)["seconds"]


PEERS = {
    "`sqlite-utils insert --nl`": (by_sqlite_utils, "a column for each member; rollback journal"),
    "orjson and sqlite3 in Python": (
        by_orjson, "11 columns, an index over time; WAL, synced, 10,000 rows to a commit"),
    "DuckDB `read_json`": (by_duckdb, "a column for each member, on both cores; checkpointed"),
}
