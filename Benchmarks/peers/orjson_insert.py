"""orjson_insert.py LINES DATABASE: what people write to get hook lines into SQLite."""

import json
import sqlite3
import sys
import time

import orjson

ROWS_PER_COMMIT = 10_000


def rows(path):
    with open(path, "rb") as file:
        for line in file:
            event = orjson.loads(line)
            yield (event["timestamp"], event["session_id"], event["hook_event_name"],
                   event.get("tool_name"), event.get("tool_use_id"), event.get("duration_ms"),
                   event.get("error"), event.get("cwd"), "error" if "error" in event else "ok",
                   orjson.dumps(event.get("tool_input")),
                   orjson.dumps(event.get("tool_response")))


def main():
    lines, path = sys.argv[1:]
    began = time.monotonic()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE events (time, session, hook, tool, call, duration_ms, error, "
                     "cwd, status, input, response)")
    database.execute("CREATE INDEX events_time ON events (time)")
    waiting, count = [], 0
    insert = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?)"

    def commit():
        database.execute("BEGIN")
        database.executemany(insert, waiting)
        database.execute("COMMIT")

    for row in rows(lines):
        waiting.append(row)
        if len(waiting) == ROWS_PER_COMMIT:
            commit()
            count += len(waiting)
            waiting.clear()
    if waiting:
        commit()
        count += len(waiting)
    database.close()
    print(json.dumps({"rows": count, "seconds": time.monotonic() - began}))


main()
