"""(e), (f) what sending costs a program, and a hook."""

import json
import os
import sys
import time

from .report import quantile, spread
from .system import BIN, quipu, run_json

RECORDED = 200_000
HOOKS = 100


def recorded_metrics(options):
    """What a program pays for one metric; `client-bench` measures it in its own process."""
    count = int(RECORDED * options.scale)
    figures, dropped = {}, []
    for _ in range(options.rounds):
        with quipu() as running:
            round_ = run_json([BIN / "client-bench", running.run / "metrics.sock", count])
            dropped.append(round_.pop("dropped") + round_.pop("waiting"))
            for name, times in round_.items():
                for which, value in times.items():
                    figures.setdefault((name, which), []).append(value)
    lines = ["(e) one metric recorded, ns a call by batches of 100 (goal: median below 200)", "",
             "| | p50 (least … most) | p99 |", "|---|---:|---:|"]
    for name in (name for name, which in figures if which == "p50_ns"):
        lines.append(f"| {name.replace('_', ' ')} | {spread(figures[name, 'p50_ns'])} "
                     f"| {spread(figures[name, 'p99_ns'])} |")
    lines.append(f"| lines dropped | {spread(dropped)} | |")
    return ["\n".join(lines)]


# The hook that people write: it reads, adds the time, and hands the line to the same socket.
PYTHON_HOOK = """
import datetime, json, socket, sys
event = json.load(sys.stdin)
event.setdefault("timestamp", datetime.datetime.now(datetime.timezone.utc).isoformat())
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
out.setblocking(False)
out.sendto(json.dumps(event).encode(), sys.argv[1])
"""


def hook_starts(options):
    """Programs in turn, each started as a shell starts it and waited for."""
    count = max(20, int(HOOKS * options.scale))
    with quipu() as running:
        event = running.folder / "event.json"
        event.write_text(json.dumps({
            "session_id": "bench", "hook_event_name": "PostToolUse", "tool_name": "Bash",
            "tool_use_id": "toolu_bench", "tool_input": {"command": "make test"},
            "tool_response": {"stdout": "x" * 1_500}}))
        socket_path = running.run / "metrics.sock"
        programs = {
            "/bin/true": ["/bin/true"],
            "quipu hook": [BIN / "quipu", "hook"],
            "quipu send": [BIN / "quipu", "send", "bench.hook:1|c"],
            "the same hook in Python": [sys.executable, "-c", PYTHON_HOOK, socket_path],
        }
        environment = dict(os.environ, QUIPU_RUNTIME_DIR=str(running.run))
        times = {name: [] for name in programs}
        for _ in range(options.rounds * count):
            for name, command in programs.items():
                times[name].append(exec_to_exit(command, environment, event))
        stored = running.await_lines(3 * options.rounds * count)["received"]
    lines = ["(f) exec to exit, ms (goal: quipu hook below 3 where /bin/true takes 1)", "",
             "| | p50 | p99 | times |", "|---|---:|---:|---:|"]
    for name, took in times.items():
        lines.append(f"| {name} | {1e3 * quantile(took, 0.5):.2f} "
                     f"| {1e3 * quantile(took, 0.99):.2f} | {len(took)} |")
    lines.append(f"| lines received | {stored:,} | | |")
    return ["\n".join(lines)]


def exec_to_exit(command, environment, stdin):
    actions = [(os.POSIX_SPAWN_OPEN, 0, str(stdin), os.O_RDONLY, 0)]
    command = [str(part) for part in command]
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, environment, file_actions=actions)
    _, status = os.waitpid(child, 0)
    took = time.perf_counter() - began
    if status != 0:
        raise RuntimeError(f"{command}: status {status}")
    return took
