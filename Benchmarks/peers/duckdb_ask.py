"""duckdb_ask.py FILE DATABASE QUESTIONS: times questions, a list of SQL in JSON, about a table.

The table is `events`, from hook lines, or `samples`, from CSV, in the order of their times.
"""

import json
import os
import sys
import time

import duckdb

EVENTS = """CREATE TABLE events AS SELECT * FROM read_json('{}',
    format = 'newline_delimited', columns = {{
        timestamp: 'TIMESTAMP', session_id: 'VARCHAR', cwd: 'VARCHAR', hook_event_name: 'VARCHAR',
        tool_name: 'VARCHAR', tool_use_id: 'VARCHAR', duration_ms: 'DOUBLE', error: 'VARCHAR',
        tool_input: 'JSON', tool_response: 'JSON'}})"""
SAMPLES = """CREATE TABLE samples AS
    SELECT make_timestamp(at_s * 1000000) AS time, id, 'n' || (id % 8) AS node, value
    FROM read_csv('{}', header = false,
                  columns = {{at_s: 'BIGINT', id: 'INTEGER', value: 'DOUBLE'}})"""


def timed(database, sql, times=300, seconds=10):
    def ask():
        return database.execute(sql).fetchall()

    answer, took, end = ask(), [], time.monotonic() + seconds
    while len(took) < times and (time.monotonic() < end or len(took) < 20):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return answer, took


def main():
    file, path, questions = sys.argv[1:]
    database = duckdb.connect(path)
    began = time.monotonic()
    database.execute((SAMPLES if file.endswith(".csv") else EVENTS).format(file))
    database.execute("CHECKPOINT")
    load_seconds = time.monotonic() - began
    answers = [timed(database, sql) for sql in json.loads(questions)]
    # The last column's mean tells whether others answered the same.
    means = [sum(row[-1] for row in rows) / len(rows)
             if rows and isinstance(rows[0][-1], (int, float)) else None for rows, _ in answers]
    print(json.dumps({"load_seconds": load_seconds, "bytes": os.path.getsize(path),
                      "times": [took for _, took in answers], "means": means}))


main()
