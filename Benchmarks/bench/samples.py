"""(i) the reference load of metrics: questions and storage, beside databases of samples.

200 series with a sample each 10 s. All databases get the same samples, with their times; each
question is asked such that its steps hold the same samples everywhere.
"""

import contextlib
import json
import statistics
import subprocess
import time

from . import peers
from .report import figure, grid, milliseconds
from .system import FLOORS, quipu, repeat, workspace

SERIES = 200
STEP_SECONDS = 10
DAYS_FULL = 30
DAY = 86_400
PEERS = ["DuckDB", "Prometheus", "VictoriaMetrics"]
TIMES, SECONDS = 300, 5


class Question:
    """Steps of `step` seconds over the last `span`, in each system's words.

    PromQL looks back: from a second before the next step, so that each window holds one step's
    samples; for growth from the step's last sample back to the one before its first.
    """

    def __init__(self, name, span, step, params, promql, sql):
        self.name, self.span, self.step = name, span, step
        self.params, self.promql, self.sql = params, promql, sql

    def bounds(self, end):
        end = end // self.step * self.step
        return end - self.span // self.step * self.step, end

    def of_quipu(self, metric, end):
        since, until = self.bounds(end)
        return {"metric": metric, "since": since, "until": until, "step": f"{self.step}s",
                **self.params}

    def of_promql(self, end):
        since, until = self.bounds(end)
        late = STEP_SECONDS if "increase" in self.params["aggregate"] else 1
        query = self.promql.replace("RANGE", f"{self.step}s")
        return query, since + self.step - late, until - late, self.step

    def of_duckdb(self, end):
        since, until = self.bounds(end)
        columns = "node, " if "group_by" in self.params else ""
        where = " AND id = 7" if "where" in self.params else ""
        return (f"SELECT time_bucket(INTERVAL {self.step} SECONDS, time) AS step, "
                f"{columns}{self.sql} FROM samples "
                f"WHERE time >= make_timestamp({since * 1_000_000}) "
                f"AND time < make_timestamp({until * 1_000_000}){where} "
                "GROUP BY ALL ORDER BY ALL")


def questions(kind, days):
    one, by_node = {"where": {"id": "7"}}, {"group_by": ["node"]}
    if kind == "counter":
        return [
            Question("growth by node, one day by the hour", DAY, 3_600,
                     {"aggregate": ["increase"], **by_node},
                     "sum by (node) (increase(ref_counter_total[RANGE]))", "sum(value)"),
            Question(f"growth of all, {days} days by the day", days * DAY, DAY,
                     {"aggregate": ["increase"]},
                     "sum(increase(ref_counter_total[RANGE]))", "sum(value)"),
        ]
    return [
        Question("one series, one hour by the minute, average", 3_600, 60,
                 {"aggregate": ["avg"], **one},
                 'avg_over_time(ref_gauge{id="7"}[RANGE])', "avg(value)"),
        Question("one series, one day by the hour, p99", DAY, 3_600, {"aggregate": ["p99"], **one},
                 'quantile_over_time(0.99, ref_gauge{id="7"}[RANGE])',
                 "quantile_cont(value, 0.99)"),
        Question("by node, one day by 5 minutes, average", DAY, 300,
                 {"aggregate": ["avg"], **by_node},
                 "sum by (node) (sum_over_time(ref_gauge[RANGE])) / "
                 "sum by (node) (count_over_time(ref_gauge[RANGE]))", "avg(value)"),
        Question(f"one series, {days} days by 6 hours, average", days * DAY, 21_600,
                 {"aggregate": ["avg"], **one},
                 'avg_over_time(ref_gauge{id="7"}[RANGE])', "avg(value)"),
        Question(f"by node, {days} days by 6 hours, maximum", days * DAY, 21_600,
                 {"aggregate": ["max"], **by_node},
                 "max by (node) (max_over_time(ref_gauge[RANGE]))", "max(value)"),
    ]


class Load:
    """All samples of one kind, or those of some days."""

    def __init__(self, kind, days, end):
        self.kind, self.days, self.end = kind, days, end
        self.metric = "ref_counter_total" if kind == "counter" else f"ref_{kind}"
        self.count = SERIES * days * DAY // STEP_SECONDS
        self.questions = questions(kind, days)

    def command(self, shape, *of_days):
        return [str(c) for c in (FLOORS / "samples", shape, self.kind, SERIES, self.days, self.end,
                                 *of_days)]

    def write(self, path, shape, *of_days):
        with open(path, "wb") as file:
            subprocess.run(self.command(shape, *of_days), stdout=file, check=True)


class Result:
    def __init__(self):
        self.times, self.means, self.bytes, self.seconds = [], [], None, None


def in_quipu(load):
    result = Result()
    with quipu() as running:
        began = time.monotonic()
        load.write(running.logs / "samples.jsonl", "quipu")
        running.await_lines(load.count)
        result.seconds = time.monotonic() - began
        with contextlib.closing(running.connect()) as connection:
            connection.ask("admin.flush")
            result.bytes_before = running.database.stat().st_size
            began = time.monotonic()
            connection.ask("admin.retention")
            result.retention_seconds = time.monotonic() - began
            connection.ask("admin.flush")
            result.bytes = running.database.stat().st_size
            for question in load.questions:
                params = question.of_quipu(load.metric, load.end)

                def ask():
                    return connection.ask("metrics.query", **params)
                try:
                    points = [series["points"] for series in ask()["series"]]
                except RuntimeError:  # beyond its bound of 5 s
                    result.means.append(None)
                    result.times.append(None)
                    continue
                result.means.append(mean(value for by_word in points
                                         for values in by_word.values() for _, value in values))
                result.times.append(repeat(ask, TIMES, SECONDS))
    return result


def mean(values):
    values = [float(v) for v in values]
    return statistics.fmean(values) if values else None


def in_duckdb(load):
    with workspace() as folder:
        load.write(folder / "samples.csv", "csv")
        asked = json.dumps([q.of_duckdb(load.end) for q in load.questions])
        answer = peers.python("duckdb_ask.py", folder / "samples.csv", folder / "duck.db", asked)
    result = Result()
    result.times, result.means = answer["times"], answer["means"]
    result.bytes, result.seconds = answer["bytes"], answer["load_seconds"]
    return result


def ask_promql(load, result, asker):
    for question in load.questions:
        asked = question.of_promql(load.end)
        result.means.append(mean(
            value for series in asker.ask(*asked) for _, value in series["values"]))
        result.times.append(repeat(lambda: asker.ask(*asked), TIMES, SECONDS))


def in_prometheus(load):
    peers.program("prometheus")
    tool, _ = peers.program("promtool")
    result = Result()
    with workspace() as folder:
        text, data = folder / "samples.txt", folder / "data"
        began = time.monotonic()
        for day in range(0, load.days, 2):
            # It reads a file once for each block of it, so files are short.
            load.write(text, "openmetrics", day, min(day + 2, load.days))
            subprocess.run([tool, "tsdb", "create-blocks-from", "openmetrics", "--quiet",
                            "--max-block-duration=54h", text, data], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result.seconds = time.monotonic() - began
        result.bytes = peers.bytes_below(data)
        port = peers.free_port()
        (folder / "prometheus.yml").write_text("global: {}\n")
        running = peers.start("prometheus", [
            f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=1000d", f"--web.listen-address=127.0.0.1:{port}"],
            folder)
        try:
            web = peers.Web(port)
            web.await_ready("/-/ready")
            ask_promql(load, result, peers.Range(web))
        finally:
            running.stop()
    return result


def in_victoria(load):
    result, port = Result(), peers.free_port()
    with workspace() as folder:
        running = peers.start("victoria-metrics", [
            f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=10y"], folder)
        try:
            web = peers.Web(port)
            web.await_ready("/health")
            began = time.monotonic()
            for day in range(load.days):
                text = subprocess.run(load.command("prometheus", day, day + 1), check=True,
                                      stdout=subprocess.PIPE).stdout
                web.post("/api/v1/import/prometheus", text)
            web.get("/internal/force_flush")
            result.seconds = time.monotonic() - began
            web.get("/internal/force_merge")
            # Its cache would answer the second time.
            ask_promql(load, result, peers.Range(web, nocache=1))
        finally:
            running.stop()
        result.bytes = sum(peers.bytes_below(folder / "data" / d) for d in ("data", "indexdb"))
    return result


def samples(options):
    days = DAYS_FULL if options.full else options.days
    end = int(time.time()) // 3_600 * 3_600
    answers, storage, missing = [], [], {}
    for kind in ("gauge", "counter"):
        load = Load(kind, days, end)
        results = {"Quipu": in_quipu(load)}
        for name, run in zip(PEERS, (in_duckdb, in_prometheus, in_victoria)):
            with peers.or_reason(lambda reason: missing.update({name: reason})):
                results[name] = run(load)
        answers += answer_rows(load, results)
        storage += storage_rows(load, results)
    header = ["", "Quipu", *PEERS]
    reasons = "".join(f"; {name}: {reason}" for name, reason in missing.items())
    return [
        grid(f"(i) questions over {SERIES} series of {days} days, a sample each 10 s, p50 / p99 ms"
             f"{reasons}", [*header, "answers differ by"], answers),
        grid("(i) the same samples stored; Quipu keeps 10 s for 6 hours, minutes for 7 days, "
             "then hours; the others every sample", header, storage)]


def answer_rows(load, results):
    rows = []
    for index, question in enumerate(load.questions):
        times = [results[name].times[index] if name in results else []
                 for name in ("Quipu", *PEERS)]
        cells = ["timeout" if took is None else milliseconds(took) if took else "—"
                 for took in times]
        means = [result.means[index] for result in results.values()
                 if result.means[index] is not None]
        apart = 100 * (max(means) - min(means)) / abs(means[0]) if means else 0
        rows.append([question.name, *cells, f"{figure(apart)} %"])
    return rows


def storage_rows(load, results):
    def cells(value):
        return [value(results[name]) if name in results else "—" for name in ("Quipu", *PEERS)]

    ours = results["Quipu"]
    what = "gauges, with sketches" if load.kind == "gauge" else "counters, without"
    return [
        [f"{what}: bytes a sample", *cells(lambda r: f"{r.bytes / load.count:.2f}")],
        [f"{what}: before retention", f"{ours.bytes_before / load.count:.2f}", "", "", ""],
        [f"{what}: samples a second loaded", *cells(lambda r: figure(load.count / r.seconds))],
        [f"{what}: seconds of retention", f"{ours.retention_seconds:.1f}", "", "", ""],
    ]
