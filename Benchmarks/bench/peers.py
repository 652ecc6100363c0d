"""Programs that others would use, as `Scripts/bench-deps` got them or the system has them."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import urllib.parse

from .system import ROOT, Process, await_success, run_json

HOME = ROOT / ".build/peers"
UNPACKED = HOME / "root"
PYTHON = HOME / "python/bin/python3"
SCRIPTS = ROOT / "Benchmarks/peers"


class Missing(Exception):
    """Why a peer has no figure."""


@contextlib.contextmanager
def or_reason(put):
    """Hands the reason to `put` where a peer cannot be had or fails."""
    try:
        yield
    except Missing as reason:
        put(str(reason))
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        put(f"failed: {said[-1][:200] if said else error.returncode}")
    except (OSError, RuntimeError, subprocess.SubprocessError, http.client.HTTPException) as error:
        put(f"failed: {error}"[:200])


def program(name):
    """The path of a program and the root of its package."""
    unpacked = os.pathsep.join(str(UNPACKED / d) for d in ("usr/bin", "usr/sbin"))
    path = shutil.which(name, path=unpacked)
    if path:
        return path, UNPACKED
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not path:
        raise Missing(f"no {name}: make bench-deps")
    return path, pathlib.Path("/")


def environment(root):
    """With the libraries that were unpacked beside the programs."""
    if root != UNPACKED:
        return dict(os.environ)
    libraries = [str(p) for p in (root / "usr/lib").glob("*-linux-gnu")]
    return dict(os.environ, LD_LIBRARY_PATH=os.pathsep.join(libraries))


def start(name, arguments, folder):
    path, root = program(name)
    return Process([path, *arguments], open(folder / f"{name}.log", "w"),
                   stdout=subprocess.DEVNULL, env=environment(root), cwd=folder)


def python(script, *arguments):
    """What one of our scripts says with the packages that others would use."""
    if not PYTHON.exists():
        raise Missing("no Python packages: make bench-deps")
    return run_json([PYTHON, SCRIPTS / script, *arguments], stderr=subprocess.PIPE,
                    env=dict(os.environ, TZ="UTC"))


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Web:
    """One HTTP connection on this machine that is kept open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def post(self, path, body, **headers):
        self.connection.request("POST", path, body=body, headers=headers)
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"{path}: {reply.status} {text[:200]!r}")
        return text

    def post_form(self, path, **fields):
        form = urllib.parse.urlencode(fields)
        return self.post(path, form, **{"Content-Type": "application/x-www-form-urlencoded"})

    def get(self, path):
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise OSError(f"{path}: {reply.status}")
        return text

    def await_ready(self, path):
        def ask():
            try:
                return self.get(path)
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                raise OSError(str(error)) from error
        await_success(ask, seconds=60)


class Range:
    """A question of `query_range`, as Prometheus and VictoriaMetrics both answer it."""

    def __init__(self, web, **more):
        self.web, self.more = web, more

    def ask(self, query, start, end, step):
        text = self.web.post_form(
            "/api/v1/query_range", query=query, start=start, end=end, step=step, **self.more)
        return json.loads(text)["data"]["result"]


def bytes_below(folder):
    return sum(p.stat().st_size for p in pathlib.Path(folder).rglob("*") if p.is_file())
