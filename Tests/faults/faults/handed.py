"""U: descriptors that a service manager hands over, or something that is none."""

import contextlib
import os
import socket
import subprocess

from .clients import line_of, raw
from .rig import BIN, Rig, until
from .rows import expect, row


def handed(rig, program, environment, sockets, own_pid=True):
    """Starts a program with `sockets` as descriptors 3, 4, ...; LISTEN_PID is its own where that is wanted."""
    def place():
        copies = [os.dup2(s.fileno(), 200 + i) for i, s in enumerate(sockets)]
        for i, copy in enumerate(copies):
            os.dup2(copy, 3 + i)
            os.close(copy)
    command = [BIN / program, "--runtime-dir", rig.run, "--state-dir", rig.folder / program]
    # A shell knows its pid and stays the same process.
    shell = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"] if own_pid else []
    return subprocess.Popen(
        [*shell, *map(str, command)], env=os.environ | environment, close_fds=False, preexec_fn=place,
        stdin=subprocess.DEVNULL, stderr=open(rig.folder / f"{program}.log", "ab"))


def listening(path, kind=socket.SOCK_STREAM):
    held = socket.socket(socket.AF_UNIX, kind)
    held.bind(str(path))
    if kind == socket.SOCK_STREAM:
        held.listen(16)
    return held


@row("U7", "without a manager, and with odd descriptors",
     injected="wrong LISTEN_PID, counts that are none, descriptors that are not there, are files, are "
              "twice, are unknown",
     expected="works, ignores or closes them; nobody connects to a socket that nobody serves")
def odd_descriptors(turn):
    rig = Rig(turn)
    rig.run.mkdir(mode=0o700)
    served = rig.run / "query.sock"
    seen = 0

    def works(what, environment, sockets=(), own_pid=True, path=served, refused=()):
        nonlocal seen
        process = handed(rig, "quipud", environment, sockets, own_pid)
        for each in sockets:
            each.close()
        try:
            def healthy():
                with contextlib.closing(raw(path, 2)) as client:
                    client.sendall(b'{"method":"health"}\n')
                    return b'"ok"' in line_of(client)
            until(f"{what}: health", healthy, 20)
            for stranger in refused:
                with contextlib.suppress(ConnectionRefusedError):
                    raw(stranger, 1).close()
                    expect(False, f"{what}: {stranger.name} takes connections that nobody serves")
        finally:
            process.terminate()
            expect(process.wait(10) == 0, f"{what}: exit code {process.returncode}")
        seen += 1
        for name in rig.run.glob("*.sock"):
            name.unlink()

    names = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "query"}
    works("no manager", {}, own_pid=False)
    works("a notify socket that is not there", {"NOTIFY_SOCKET": str(rig.folder / "none"), "WATCHDOG_USEC": "1"})
    works("another's LISTEN_PID", names | {"LISTEN_PID": "1"}, own_pid=False)
    for count in ("abc", "-1", "0", "99999", "", "9" * 30):
        works(f"LISTEN_FDS={count}", {"LISTEN_FDS": count, "LISTEN_FDNAMES": "query:ingest"})
    works("descriptors that are not there", {"LISTEN_FDS": "500", "LISTEN_FDNAMES": "query:ingest"})
    with open(rig.folder / "file", "wb") as file:
        works("a file", names, [file])
    works("a datagram socket as query", names, [listening(rig.folder / "a.sock", socket.SOCK_DGRAM)])
    works("fewer names than descriptors", {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "query"},
          [listening(rig.folder / "b.sock"), listening(rig.folder / "b2.sock")],
          path=rig.folder / "b.sock", refused=[rig.folder / "b2.sock"])
    works("one twice, one unknown", {"LISTEN_FDS": "3", "LISTEN_FDNAMES": "query:query:stranger"},
          [listening(rig.folder / f"c{i}.sock") for i in range(3)],
          path=rig.folder / "c0.sock", refused=[rig.folder / "c1.sock", rig.folder / "c2.sock"])
    return f"{seen} environments: served each time, strangers' sockets refuse"
