"""S: requests that are half, giant, deep or no requests at all, and replies whose daemon dies."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

from .clients import NOBODY, as_user, let_in, line_of, needs_root, raw
from .rig import BIN, Rig, Writer, until
from .rows import expect, row


@row("S4", "half-sent, giant, binary and pipelined requests",
     injected="seeded garbage, a line of 1 GB, NULs, 10,000 requests at once, half a request left standing",
     expected="an error or the answer for each, memory bounded, nobody else notices")
def hostile_requests(turn):
    rig = Rig(turn)
    rig.start_daemon()
    path = rig.run / "query.sock"
    rig.ask("stats")
    resident = rig.daemon.status("VmRSS")
    half = raw(path, 60)
    turn.at_end(half.close)
    half.sendall(b'{"method":"hea')
    half_began = time.monotonic()

    # One line of a gigabyte, then a request that must be answered.
    size = (16 << 20) if turn.quick else (1 << 30)
    with contextlib.closing(raw(path, 60)) as client:
        piece = b"x" * (1 << 20)
        for _ in range(size >> 20):
            client.sendall(piece)
        client.sendall(b'\n{"method":"health"}\n')
        expect(json.loads(line_of(client))["error"]["code"] == -32006, "a giant line")
        expect("result" in json.loads(line_of(client)), "what follows a giant line")

    # Requests without waiting for replies.
    count = 1_000 if turn.quick else 10_000
    with contextlib.closing(raw(path, 60)) as client:
        text = b"".join(b'{"method":"health","id":%d}\n' % i for i in range(count))
        sender = threading.Thread(target=client.sendall, args=(text,), daemon=True)
        sender.start()
        with client.makefile("rb") as replies:
            for i in range(count):
                expect(json.loads(replies.readline())["id"] == i, f"reply {i} is not in its place")
        sender.join()

    cases = garbage(turn, rig, path, 500 if turn.quick else 30_000)
    growth = rig.daemon.status("VmRSS") - resident
    expect(growth < (48 << 10), f"{growth} KiB more")
    waited = ""
    if not turn.quick:
        half.settimeout(60)
        reply = json.loads(line_of(half))
        expect(reply["error"]["code"] == -32004, f"half a request: {reply}")
        expect(not half.recv(1), "not closed after half a request")
        waited = f", half a request refused after {time.monotonic() - half_began:.0f} s"
    half.close()
    rig.stop()
    return (f"{size >> 20} MiB line refused, {count} pipelined in order, {cases} of garbage, "
            f"{growth} KiB more{waited}")


def garbage(turn, rig, path, count):
    """Cases in connections of a hundred; each line gets one reply or none, and the daemon lives."""
    pieces = [b"{", b"}", b"[", b"]", b'"', b"\\", b"\x00", b"\xff\xfe", b"1e999999", b"-", b":", b",", b"null",
              b'{"method":"health"}', b'{"jsonrpc":"2.0","method":"sql","params":{"query":"SELECT 1"}}',
              b'"method"', b'"params"', b"\r", b"\xf0\x9f\x92\xa9", b"\\ud800", b"9" * 400, b" " * 50]
    done = 0
    while done < count:
        lines = []
        for _ in range(100):
            line = b"".join(turn.random.choice(pieces) for _ in range(turn.random.randrange(1, 12)))
            if turn.random.random() < 0.2:
                line = turn.random.randbytes(turn.random.randrange(1, 300))
            lines.append(line.replace(b"\n", b"."))
        with contextlib.closing(raw(path)) as client:
            client.sendall(b"\n".join(lines) + b'\n{"method":"health","id":"last"}\n')
            with client.makefile("rb") as replies:
                for _ in range(len(lines) + 1):
                    reply = json.loads(replies.readline())
                    if isinstance(reply, dict) and reply["id"] == "last":
                        break
                else:
                    expect(False, f"no answer after {lines[-1]!r}")
        done += len(lines)
    expect(rig.daemon.popen.poll() is None, "the daemon is gone")
    return done


@row("S5", "deep nesting in a request",
     injected="64, 65, 512 and 100,000 levels, in objects and arrays, on both sockets",
     expected="64 are read, more are refused by name; no crash")
def deep_requests(turn):
    rig = Rig(turn)
    rig.start_daemon()
    seen = []
    for depth in (62, 65, 512, 100_000):
        for open_, close in ((b"[", b"]"), (b'{"a":', b"}")):
            nested = open_ * depth + b"1" + close * depth
            for name, method in (("query.sock", b"health"), ("ingest.sock", b"ingest.open")):
                request = b'{"method":"%s","params":{"x":%s}}\n' % (method, nested)
                with contextlib.closing(raw(rig.run / name)) as client:
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        client.sendall(request)
                    text = line_of(client)
                    expect(text, f"{depth} levels on {name}: no reply")
                    error = json.loads(text)["error"]
                    # Where it is shallow enough, the unknown member is what is wrong.
                    told = error["data"]
                    too_deep = "deep" in told.get("hint", "") or told["reason"] == "too_deep"
                    longer = name == "ingest.sock" and len(request) > 64 << 10
                    expect(too_deep == (depth > 64) or longer, f"{depth} levels on {name}: {error}")
        seen.append(depth)
    rig.await_health()
    rig.stop()
    return f"{', '.join(map(str, seen))} levels: refused above 64"


@row("S8", "peers that are somebody else",
     injected="another user with and without the group, changed ids, 100 groups, an inherited connection",
     expected="the kernel's word at the time of connecting decides; refused before parameters are read")
def peer_credentials(turn):
    needs_root()
    group, admins = 54_321, 54_322
    rig = Rig(turn)
    config = turn.folder / "quipu.yaml"
    # Any group will do that this machine has a name for.
    named = next(l.split(":") for l in open("/etc/group") if l.startswith("daemon:"))
    admins = int(named[2])
    config.write_text(f"admin_group: {named[0]}\n")
    rig.start_daemon("--config", config)
    path = rig.run / "query.sock"
    let_in(rig, group)

    def ask(method, **params):
        def action():
            with contextlib.closing(rig.connect(10)) as connection:
                return connection.ask_any(method, **params)
        return action

    seen = {}
    refused = as_user(NOBODY, NOBODY, ask("health"))
    expect(refused == {"errno": 13}, f"without the group: {refused}")
    for what, groups in (("the group", [group]), ("a hundred groups", [*range(60_000, 60_099), group])):
        expect("result" in as_user(NOBODY, NOBODY, ask("health"), groups), f"health with {what}")
        # Denied whatever the parameters are: they are not even read.
        for params in ({}, {"nonsense": 1}):
            reply = as_user(NOBODY, NOBODY, ask("admin.flush", **params), groups)
            expect(reply["error"]["code"] == -32002, f"admin.flush with {what}: {reply}")
        reply = as_user(NOBODY, NOBODY, ask("admin.flush"), [*groups, admins])
        expect("result" in reply, f"admin.flush with {what} and {named[0]}: {reply}")
        seen[what] = "reads"
    # Ids that change afterwards change nothing: root's connection stays root's ...
    connection = rig.connect(10)
    reply = as_user(NOBODY, NOBODY, lambda: connection.ask_any("admin.flush"))
    expect("result" in reply, f"root's connection in other hands: {reply}")
    # ... and nobody's stays nobody's in root's hands, as with a helper that is setuid root.
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    as_user(NOBODY, NOBODY, lambda: hand_over(theirs, path), [group])
    handed = socket.socket(fileno=socket.recv_fds(ours, 1, 1)[1][0])
    handed.settimeout(10)
    handed.sendall(b'{"method":"admin.flush"}\n')
    reply = json.loads(line_of(handed))
    expect(reply["error"]["code"] == -32002, f"nobody's connection in root's hands: {reply}")
    for each in (connection, handed, ours, theirs):
        each.close()
    rig.stop()
    return "no group: EACCES; group: reads, admin denied; admin group: allowed; ids at connect decide"


def hand_over(channel, path):
    connected = raw(path)
    socket.send_fds(channel, [b"x"], [connected.fileno()])
    return {}


@row("S9", "stale sockets, symlinks and other things in their place",
     injected="SIGKILL, then start; a symlink, a file, a FIFO, a dangling link, a directory of others",
     expected="a stale socket is replaced, anything else refused by name and left alone")
def stale_sockets(turn):
    rig = Rig(turn)
    rig.start_daemon()
    rig.start_agent()
    for process in (rig.daemon, rig.agent):
        process.kill9()
    rig.start_daemon()
    rig.start_agent()
    rig.stop()
    victim = turn.folder / "victim"
    seen = 0
    for program, name in (("quipud", "query.sock"), ("quipud", "ingest.sock"),
                          ("quipu-agent", "metrics.sock"), ("quipu-agent", "statsd.sock")):
        path = rig.run / name
        for what, make in (("a symlink", lambda: path.symlink_to(victim)),
                           ("a link to nothing", lambda: path.symlink_to(turn.folder / "nothing")),
                           ("a file", lambda: path.write_text("mine")),
                           ("a FIFO", lambda: os.mkfifo(path)),
                           ("a folder", path.mkdir)):
            victim.write_text("precious")
            path.unlink(missing_ok=True)
            make()
            done = start_refused(rig, program)
            expect(done.returncode == 1 and str(path) in done.stderr,
                   f"{program} with {what} at {name}: {done.returncode} {done.stderr}")
            expect(os.path.lexists(path) and victim.read_text() == "precious", f"{what} at {name} was "
                                                                               f"touched")
            expect(not (turn.folder / "nothing").exists(), "a link was followed")
            path.rmdir() if what == "a folder" else path.unlink()
            seen += 1
    seen += others_folders(turn, rig)
    return f"stale ones replaced, {seen} things in their place refused and left alone"


def start_refused(rig, program, run=None):
    flags = ["--runtime-dir", run or rig.run, "--state-dir", rig.folder / f"state-{program}"]
    try:
        return subprocess.run([BIN / program, *flags], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 0, "", "it runs")


def others_folders(turn, rig):
    """A folder in which others may put what they like is no place for sockets."""
    needs_root()
    open_to_all, of_another = turn.folder / "open", turn.folder / "of-another"
    open_to_all.mkdir()
    of_another.mkdir()
    os.chmod(open_to_all, 0o777)
    os.chown(of_another, NOBODY, NOBODY)
    seen = 0
    for folder in (open_to_all, of_another):
        for program in ("quipud", "quipu-agent"):
            done = start_refused(rig, program, folder)
            expect(done.returncode == 1 and str(folder) in done.stderr,
                   f"{program} in {folder.name}: {done.returncode} {done.stderr}")
            seen += 1
    return seen


@row("S10", "the daemon dies in the middle of a reply",
     injected="SIGKILL after the first bytes of megabytes; to a socket and to `quipu`; SIGTERM before who has "
              "closed its sending half reads on",
     expected="an end without a newline, which is no answer; `quipu` says so and prints nothing; the stop waits "
              "for no reader")
def dies_while_answering(turn):
    rig = Rig(turn).start()
    writer = Writer(rig, filler=700)
    writer.write(4_000)
    rig.await_lines(4_000)
    request = b'{"method":"events.query","params":{"limit":10000}}\n'
    for _ in range(2 if turn.quick else 10):
        with contextlib.closing(raw(rig.run / "query.sock")) as client:
            client.sendall(request)
            client.recv(turn.random.randrange(1, 4_000))
            rig.daemon.kill9()
            with client.makefile("rb") as rest:
                text = b""
                with contextlib.suppress(ConnectionResetError):
                    text = rest.read()
            expect(not text.endswith(b"\n"), "a complete reply, though the daemon died")
        rig.start_daemon()
    with contextlib.closing(raw(rig.run / "query.sock")) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
        began = time.monotonic()
        code, took = rig.daemon.stop(), time.monotonic() - began
        # A reader who takes nothing is cut after 30 s.
        expect(code == 0 and took < 15, f"stopped with {code} after {took:.1f} s")
    rig.start_daemon()
    printed = quipu_through_a_dying_relay(turn, rig)
    seen = rig.check_exactly_once(writer.written)
    rig.stop()
    return f"cut replies end without a newline; quipu: {printed}; {seen}"


def quipu_through_a_dying_relay(turn, rig):
    """The relay hands on half of a reply and dies."""
    place = turn.folder / "relay"
    place.mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place / "query.sock"))
    listener.listen(8)

    def relay():
        client, _ = listener.accept()
        with contextlib.closing(raw(rig.run / "query.sock")) as daemon:
            daemon.sendall(line_of(client))
            client.sendall(daemon.recv(100_000))
        client.close()
    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    done = subprocess.run([BIN / "quipu", "--runtime-dir", place, "--json", "events", "-n", "10000"],
                          capture_output=True, text=True, timeout=60)
    listener.close()
    thread.join()
    expect(done.returncode != 0, f"quipu exits with 0 after half an answer: {done.stdout[:100]}")
    expect(not done.stdout, f"quipu prints {len(done.stdout)} bytes of half an answer")
    expect(done.stderr, "quipu says nothing")
    return f"exit {done.returncode}, {done.stderr.strip()!r}"
