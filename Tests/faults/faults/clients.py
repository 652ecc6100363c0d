"""Clients that misbehave, and clients who are somebody else: what the rows of sockets share."""

import contextlib
import json
import os
import select
import socket
import statistics
import threading
import time

from .rows import Skipped

NOBODY = 65534


def raw(path, seconds=20):
    """A connected stream socket."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Waits while the listener's queue is full; with a timeout Python would not.
    client.connect(str(path))
    client.settimeout(seconds)
    return client


def line_of(client):
    """Bytes up to and with the next newline; what came before the end of the stream."""
    text = bytearray()
    with contextlib.suppress(OSError):
        while not text.endswith(b"\n"):
            piece = client.recv(1)
            if not piece:
                break
            text += piece
    return bytes(text)


def is_cut(client):
    """Whether the other side has hung up, without reading what it sent before."""
    poll = select.poll()
    poll.register(client, select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def needs_root():
    if os.geteuid() != 0:
        raise Skipped("only root can be somebody else")


def let_in(rig, group):
    """Members of `group` reach query.sock, as under the units for systemd."""
    for folder in (rig.folder, rig.run):
        os.chmod(folder, 0o755)
    os.chown(rig.run / "query.sock", 0, group)


def as_user(user, group, action, groups=()):
    """Runs `action() -> JSON` in a child with other ids; what it returned."""
    needs_root()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(list(groups))
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            try:
                answer = action()
            except OSError as error:
                answer = {"errno": error.errno}
            os.write(theirs, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text)


class Witness:
    """A well-behaved client that asks all the time and notes how long each answer took."""

    def __init__(self, rig, method="health"):
        self.rig, self.method = rig, method
        self.milliseconds, self.failures = [], []
        self.ending = threading.Event()

    def __enter__(self):
        self.connection = self.rig.connect()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.ending.set()
        self.thread.join()
        self.connection.close()

    def run(self):
        while not self.ending.wait(0.005):
            began = time.monotonic()
            try:
                self.connection.ask(self.method)
            except Exception as error:
                self.failures.append(repr(error))
                return
            self.milliseconds.append((time.monotonic() - began) * 1_000)

    def p99(self):
        return statistics.quantiles(self.milliseconds, n=100)[98] if len(self.milliseconds) > 1 else 0.0
