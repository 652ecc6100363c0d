"""Quipu and its loads as processes, and where things are."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QUIPU_BIN", ROOT / ".build/release"))
FLOORS = ROOT / ".build/floors"
TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A program under measurement."""

    def __init__(self, command, log, **how):
        self.popen = subprocess.Popen(
            [str(c) for c in command], stdout=how.pop("stdout", subprocess.PIPE), stderr=log,
            text=True, **how)

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.popen.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self):
        """Resident now, and at its highest."""
        status = pathlib.Path(f"/proc/{self.popen.pid}/status").read_text()
        sizes = dict(l.split(":", 1) for l in status.splitlines() if l.startswith("Vm"))
        return tuple(int(sizes[k].split()[0]) / 1024 for k in ("VmRSS", "VmHWM"))

    def stop(self):
        self.popen.send_signal(signal.SIGTERM)
        try:
            output, _ = self.popen.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            raise
        return output


def await_success(action, seconds=20):
    """What `action` returns, as soon as it raises no OSError any more."""
    end = time.monotonic() + seconds
    while True:
        try:
            return action()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Quipu:
    """quipud and quipu-agent in a directory of their own."""

    def __init__(self, folder, udp=None):
        self.folder, self.run = folder, folder / "run"
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.log = open(folder / "log", "w")
        self.daemon = self.start("quipud")
        await_success(lambda: self.ask("health"))
        flags = ["--udp", f"127.0.0.1:{udp}"] if udp else []
        self.agent = self.start("quipu-agent", "--watch", f"{self.logs}/**/*.jsonl", *flags)
        await_success(lambda: os.stat(self.run / "metrics.sock"))

    def start(self, name, *more):
        return Process(
            [BIN / name, "--runtime-dir", self.run, "--state-dir", self.folder / name, *more],
            self.log)

    @property
    def database(self):
        return self.folder / "quipud" / "quipu.db"

    def ask(self, method, **params):
        with contextlib.closing(self.connect()) as connection:
            return connection.ask(method, **params)

    def connect(self):
        return Connection(self.run / "query.sock")

    def await_lines(self, count):
        """Until so many lines are committed or refused; the ledger's totals."""
        with contextlib.closing(self.connect()) as connection:
            while True:
                total = connection.ask("ledger", limit=1)["total"]
                if total["received"] >= count:
                    return total
                time.sleep(0.05)

    def cpu_seconds(self):
        return self.agent.cpu_seconds() + self.daemon.cpu_seconds()

    def stop(self):
        self.agent.stop()
        self.daemon.stop()
        self.log.close()


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def ask(self, method, **params):
        request = json.dumps({"method": method, "params": params})
        self.socket.sendall(request.encode() + b"\n")
        reply = json.loads(self.file.readline())
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def close(self):
        self.file.close()
        self.socket.close()


@contextlib.contextmanager
def workspace():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quipu-bench."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def quipu(udp=None):
    with workspace() as folder:
        running = Quipu(folder, udp)
        try:
            yield running
        finally:
            running.stop()


def run_json(command, **how):
    """What a program says of itself, in JSON, on the last line of its output."""
    output = subprocess.run(
        [str(c) for c in command], check=True, stdout=subprocess.PIPE, **how).stdout
    return json.loads(output.splitlines()[-1])


def load(target, shape, count, *rate):
    return run_json([FLOORS / "load", target, shape, count, *rate])


def write_hook_lines(path, count, line_bytes, span_seconds):
    with open(path, "wb") as file:
        subprocess.run([FLOORS / "hooklines", str(count), str(line_bytes), str(span_seconds)],
                       check=True, stdout=file)


def repeat(action, times=500, seconds=20):
    """How long each of many turns took, after one that warms up."""
    action()
    took, end = [], time.monotonic() + seconds
    while len(took) < times and (time.monotonic() < end or len(took) < 20):
        began = time.perf_counter()
        action()
        took.append(time.perf_counter() - began)
    return took
