"""(d) questions about events, beside DuckDB on the same lines."""

import contextlib
import json
import time

from . import peers
from .report import grid, milliseconds
from .system import quipu, repeat, write_hook_lines

EVENTS = 1_000_000
EVENTS_FULL = 10_000_000
LINE_BYTES = 400
# Less than the 30 days after which payloads go.
SPAN_SECONDS = 29 * 86_400 + 82_800

TOOLS = """SELECT tool_name, count(*), count(*) FILTER (error IS NOT NULL), avg(duration_ms),
    max(duration_ms), quantile_cont(duration_ms, [0.5, 0.95, 0.99]), max(timestamp)
    FROM events WHERE timestamp >= {since} GROUP BY tool_name ORDER BY 2 DESC"""
SUMMARY = """SELECT time_bucket(INTERVAL {width}, timestamp) AS span, count(*),
    count(*) FILTER (error IS NOT NULL)
    FROM events WHERE timestamp >= {since} GROUP BY span ORDER BY span"""
ROWS = """SELECT * EXCLUDE (tool_response) FROM events
    WHERE timestamp >= {since} {more} ORDER BY timestamp DESC LIMIT 100"""


def ago(interval):
    return f"now()::TIMESTAMP - INTERVAL {interval}"


# What it asks, of which method with which params, and the same in DuckDB.
QUESTIONS = [
    ("newest 100 events of a day", "events.query", {"since": "24h"},
     ROWS.format(since=ago("24 hours"), more="")),
    ("one session's events, a day", "events.query", {"since": "24h", "session": "session-042"},
     ROWS.format(since=ago("24 hours"), more="AND session_id = 'session-042'")),
    ("errors of one tool, 30 days", "events.query",
     {"since": "30d", "name": "Bash", "status": "error"},
     ROWS.format(since=ago("30 days"), more="AND tool_name = 'Bash' AND error IS NOT NULL")),
    ("tools, one hour", "tools.stats", {"since": "1h"}, TOOLS.format(since=ago("1 hour"))),
    ("tools, one day", "tools.stats", {"since": "24h"}, TOOLS.format(since=ago("24 hours"))),
    ("tools, 30 days", "tools.stats", {"since": "30d"}, TOOLS.format(since=ago("30 days"))),
    ("events by hour, one day", "events.summary", {"since": "24h", "group_by": ["hour"]},
     SUMMARY.format(since=ago("24 hours"), width="1 hour")),
    ("events by day, 30 days", "events.summary", {"since": "30d", "group_by": ["day"]},
     SUMMARY.format(since=ago("30 days"), width="1 day")),
]


def questions(options):
    """How long answers take; rounds are not needed."""
    count = int((EVENTS_FULL if options.full else EVENTS) * options.scale)
    theirs, reason = {}, None

    def missing(why):
        nonlocal reason
        reason = why

    with quipu() as running:
        lines = running.folder / "lines"
        write_hook_lines(lines, count, LINE_BYTES, SPAN_SECONDS)
        began = time.monotonic()
        (running.logs / "bench.jsonl").hardlink_to(lines)
        running.await_lines(count)
        loaded = time.monotonic() - began
        with contextlib.closing(running.connect()) as connection:
            ours = {name: repeat(lambda: connection.ask(method, **params))
                    for name, method, params, _ in QUESTIONS}
        resident, highest = running.daemon.memory_mib()
        size = running.database.stat().st_size
        with peers.or_reason(missing):
            theirs = peers.python("duckdb_ask.py", lines, running.folder / "duck.db",
                                  json.dumps([sql for _, _, _, sql in QUESTIONS]))
    rows = []
    for index, (name, method, _, _) in enumerate(QUESTIONS):
        duck = milliseconds(theirs["times"][index]) if theirs else "—"
        rows.append([name, f"`{method}`", milliseconds(ours[name]), duck])
    rows.append(["database, bytes an event", "", f"{size / count:.0f}",
                 f"{theirs['bytes'] / count:.0f}" if theirs else "—"])
    rows.append(["seconds to load", "", f"{loaded:.0f}",
                 f"{theirs['load_seconds']:.0f}" if theirs else "—"])
    note = f"; DuckDB: {reason}" if reason else ""
    return [grid(f"(d) questions over {count:,} events of 30 days, p50 / p99 ms; quipud "
                 f"{resident:.0f} MiB resident, {highest:.0f} at its highest{note}",
                 ["", "method", "Quipu, through its socket", "DuckDB, in its process"], rows)]
