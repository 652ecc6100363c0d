"""duckdb_insert.py LINES DATABASE: hook lines into a table of DuckDB."""

import json
import sys
import time

import duckdb

lines, path = sys.argv[1:]
began = time.monotonic()
database = duckdb.connect(path)
database.execute(f"CREATE TABLE events AS SELECT * FROM read_json('{lines}', "
                 "format = 'newline_delimited')")
database.execute("CHECKPOINT")
count = database.execute("SELECT count(*) FROM events").fetchone()[0]
database.close()
print(json.dumps({"rows": count, "seconds": time.monotonic() - began}))
