"""A throw-away box with this machine's own systemd (Scripts/real-systemd), and the units installed in it.

Tests/systemd/run and the rows of units use it; each box has its own folder, so that several may run.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = pathlib.Path(os.environ.get("QUIPU_BIN", ROOT / ".build/release")).resolve()
SCRIPT = ROOT / "Scripts/real-systemd"
DAEMON, AGENT = "quipud.service", "quipu-agent.service"
SOCKETS = {
    "quipud-query.socket": ("query.sock", "660 root:quipu"),
    "quipud-ingest.socket": ("ingest.sock", "660 root:quipu-ingest"),
    "quipu-agent-metrics.socket": ("metrics.sock", "666 root:quipu"),
    "quipu-agent-statsd.socket": ("statsd.sock", "666 root:quipu"),
}
# Highest exposure that `systemd-analyze security` may find, in tenths.
EXPOSURE_TENTHS = {DAEMON: 6, AGENT: 10}
HOLD = "/run/hold-start"


class NotPermitted(Exception):
    """This machine has no namespaces for a box."""


def until(what, condition, seconds=20.0):
    """Polls a condition; its first true value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Box:
    """Started in `folder`, which must not exist yet."""

    def __init__(self, folder):
        self.environment = os.environ | {"BOX": str(folder)}

    def run(self, *arguments, **how):
        return subprocess.run([SCRIPT, *arguments], env=self.environment, **how)

    def start(self):
        done = self.run("start", capture_output=True, text=True)
        if done.returncode == 77:
            raise NotPermitted(done.stderr.strip())
        expect(done.returncode == 0, done.stderr)

    def stop(self):
        self.run("stop", check=True)

    def __call__(self, *command, text=None, check=True, seconds=60):
        """Runs a command in the box; its standard output."""
        done = self.run("exec", *command, input=text, capture_output=True, text=True, timeout=seconds)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
        return done.stdout.strip()

    def open(self, *command, **how):
        """A command that goes on."""
        return subprocess.Popen([SCRIPT, "exec", *command], env=self.environment, text=True, **how)

    def install(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["make", "-s", "-C", ROOT, "install", "PREFIX=/usr/local", f"DESTDIR={folder}",
                 f"BUILT={PROGRAMS}"], check=True, stdout=subprocess.DEVNULL)
            archive = subprocess.run(
                ["tar", "-C", folder, "--owner=0", "--group=0", "-c", "."],
                check=True, capture_output=True).stdout
        self.run("exec", "tar", "-x", "--no-overwrite-dir", "-C", "/", input=archive, check=True)
        self("systemd-sysusers", "quipu.conf")
        self("systemd-tmpfiles", "--create", "quipu.conf")
        self("systemctl", "daemon-reload")
        # The manager then logs every notification that it gets.
        self("systemctl", "log-level", "debug")

    # The manager

    def show(self, unit, key):
        return self("systemctl", "show", "--value", "-p", key, unit)

    def state(self, unit):
        return self("systemctl", "is-active", unit, check=False)

    def restarts(self, unit=DAEMON):
        return int(self.show(unit, "NRestarts"))

    def drop_in(self, unit, text):
        """Changes a unit for one check; an empty text takes the change back."""
        path = f"/etc/systemd/system/{unit}.d/check.conf"
        if text:
            self("install", "-D", "-m", "644", "/dev/stdin", path, text=text)
        else:
            self("rm", "-f", path)
        self("systemctl", "daemon-reload")

    def command_line(self, unit):
        text = self("systemctl", "cat", unit)
        return next(l for l in text.splitlines() if l.startswith("ExecStart=")).partition("=")[2]

    def hold(self, unit):
        """The program runs only once HOLD is gone: until then the unit is starting and reads nothing."""
        wait = f"while [ -e {HOLD} ]; do sleep 0.05; done; exec {self.command_line(unit)}"
        self.drop_in(unit, f"[Service]\nExecStart=\nExecStart=/bin/sh -c '{wait}'\n")
        self("touch", HOLD)

    def notifications(self, unit, word):
        """How often the program has told the manager `word`, as the manager's debug log has it."""
        log = self("journalctl", "-q", "--no-pager", "-o", "cat", f"UNIT={unit}", check=False)
        return sum("notification message" in l and word in l for l in log.splitlines())

    # The programs

    def ask(self, method, seconds=10, as_user=(), **params):
        """One request through query.sock, as a person would type it."""
        line = json.dumps({"method": method, "params": params})
        reply = self(*as_user, "socat", "-t", str(seconds), "-", "UNIX-CONNECT:/run/quipu/query.sock",
                     text=line + "\n", seconds=seconds + 10)
        expect(reply, f"{method}: no reply")
        reply = json.loads(reply)
        expect("result" in reply, f"{method}: {reply}")
        return reply["result"]

    def send(self, name, count):
        """Counter datagrams from one sender that never waits; how many the socket took."""
        program = (
            "import socket\n"
            "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
            "s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)\n"
            "s.setblocking(False)\n"
            "s.connect('/run/quipu/metrics.sock')\n"
            "taken = 0\n"
            f"for _ in range({count}):\n"
            "    try:\n"
            f"        taken += s.send(b'{name}:1|c') > 0\n"
            "    except BlockingIOError:\n"
            "        pass\n"
            "print(taken)\n")
        return int(self("python3", "-", text=program))

    def counted(self, name):
        reply = self.ask("metrics.query", metric=name, since="1h", aggregate=["sum"])
        return sum(v for s in reply["series"] for _, v in s["points"]["sum"])

    # Checks that both users of the box make

    def check_exposure(self):
        for unit, tenths in EXPOSURE_TENTHS.items():
            self("systemd-analyze", "security", "--offline=true", f"--threshold={tenths}",
                 f"/usr/local/lib/systemd/system/{unit}")

    def check_units_are_understood(self):
        self("install", "-d", "-m", "700", "/run/user/0")
        for folder, flag in (("system", "--system"), ("user", "--user")):
            units = [f"/usr/local/lib/systemd/{folder}/{u}" for u in (*SOCKETS, DAEMON, AGENT)]
            done = self.run("exec", "env", "XDG_RUNTIME_DIR=/run/user/0", "systemd-analyze", flag,
                            "--man=no", "verify", *units, capture_output=True, text=True)
            expect(done.returncode == 0 and not done.stderr.strip(), f"{folder}: {done.stderr}")

    def check_reload(self):
        for unit in (DAEMON, AGENT):
            process = self.show(unit, "MainPID")
            reloading, ready = (self.notifications(unit, w) for w in ("RELOADING=1", "READY=1"))
            self("systemctl", "reload", unit)
            until(f"RELOADING=1 of {unit}", lambda: self.notifications(unit, "RELOADING=1") > reloading)
            until(f"READY=1 of {unit}", lambda: self.notifications(unit, "READY=1") > ready)
            until(f"{unit} active", lambda: self.state(unit) == "active")
            expect(self.show(unit, "MainPID") == process, f"{unit} is another process")
