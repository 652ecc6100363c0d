"""T: what others may try; docs/threat-model.md names these rows beside those of the matrix."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

from .clients import NOBODY, Witness, as_user, let_in, line_of, raw
from .floods import counted, datagram_socket
from .rig import BIN, Rig, until
from .rows import expect, row

ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J\x08\u202etxt\u2066\u2028\x00\r"
SYNTAX = ["'; DROP TABLE events; --", '" OR 1=1 --', "a' UNION SELECT * FROM sources --", "%_\\", "NEAR(a b, 2)",
          '"unclosed', "a AND OR", "*", "col:x", "^a", "x) OR (y", "{}", "$.a.b", "[0]", "\\u0000"]
NUMBERS = ["1e308", "-1e308", "1e400", "-0", "9223372036854775808", "-9223372036854775809", "1e-400", "9" * 300,
           "0." + "1" * 300, "4.9e-324"]
COMMANDS = [
    ["events"], ["events", "--group-by", "name"], ["sessions"], ["tools"], ["errors"], ["files"], ["tasks"],
    ["task", "T"], ["ledger"], ["overview"], ["metrics", "list"], ["cost"], ["stats"], ["health"],
    ["docs", "list"], ["top"], ["sql", "SELECT name, error, session FROM events"],
]


def is_safe(byte_text):
    """No character that a terminal obeys, but for the ends of lines."""
    text = byte_text.decode("utf-8", "strict")
    bad = {c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0
           or c in "\u200e\u200f\u061c" or 0x2028 <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069}
    return not bad, bad


@row("T1", "hostile content of logs",
     injected="terminal escapes, SQL, search syntax and huge numbers in every member; names of files",
     expected="kept as text, found as text, shown harmlessly; JSON stays JSON")
def hostile_content(turn):
    rig = Rig(turn).start()
    lines = []
    for i, text in enumerate([ESCAPES, *SYNTAX]):
        for kind in ("PostToolUse", "PostToolUseFailure"):
            lines.append({"hook_event_name": kind, "session_id": f"s{text}", "tool_name": text, "n": len(lines),
                          "tool_use_id": f"hostile-call-number-{i}-{kind}", "error": text, "cwd": text,
                          "tool_input": {"file_path": text, "command": text, text: text}})
        lines.append({"event": "task", "task": f"t{text}", "name": text, "status": "running", "message": text,
                      "n": len(lines), "attributes": {"workspace": text, "phase": text}})
        lines.append({"usage": text, "input_tokens": 1, "session": text, "user": text, "project": text,
                      "n": len(lines)})
    written = [json.dumps(line, ensure_ascii=bool(n % 2)).replace("\x7f", "\\u007f") for n, line in enumerate(lines)]
    for number in NUMBERS:
        written.append(f'{{"event":"number","name":"n","duration_ms":{number},"value":{number},"n":{len(written)}}}')
        written.append(f'{{"usage":"m","input_tokens":{number},"cost_usd":{number},"session":"n","n":{len(written)}}}')
    name = "evil\x1b[31m\n\u202e.jsonl"
    (rig.logs / name).write_text("\n".join(written) + "\n", newline="\n")
    with contextlib.suppress(OSError):
        os.mkfifo(rig.logs / ("pipe" + name))
        (rig.logs / ("link" + name)).symlink_to("/nowhere")
    with contextlib.closing(datagram_socket(rig.run / "metrics.sock")) as sender:
        for text in [ESCAPES.replace("\r", "").replace("\x00", ""), *SYNTAX]:
            sender.send(f"m{text}:1|c|#t{text}:v{text}".encode())
            sender.send(json.dumps({"metric": text, "type": "counter", "value": 1, "tags": {text: text}}).encode())
        for number in NUMBERS:
            sender.send(f"huge:{number}|g".encode())
            sender.send(f"huge.t:{number}|ms|@{number}".encode())
    rig.await_lines(len(written) + 2 * (1 + len(SYNTAX)) + 2 * len(NUMBERS))
    rig.ledger()
    for text in SYNTAX:
        found = rig.ask("events.query", where={"name": text}, kind="tool_use")["events"]
        expect(len(found) == 2 and all(e["name"] == text for e in found), f"{text!r} finds {len(found)}")
        with contextlib.closing(rig.connect()) as connection:
            reply = connection.ask_any("documents.search", query=text)
        # What has no word in it is refused as that.
        expect("result" in reply or reply["error"]["code"] == -32602, f"a search for {text!r}: {reply}")
    expect(rig.rows("SELECT count(*) FROM events")[0][0] > len(SYNTAX), "the events are gone")
    shown = 0
    for command in turn.random.sample(COMMANDS, 5) if turn.quick else COMMANDS:
        for flags in ([], ["--json"]):
            done = subprocess.run([BIN / "quipu", "--runtime-dir", rig.run, *flags, *command],
                                  capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
            told = done.stdout + done.stderr
            if flags:
                for line in done.stdout.splitlines():
                    json.loads(line)
                continue
            safe, bad = is_safe(told)
            expect(safe, f"quipu {' '.join(command)} writes {bad!r}")
            shown += bool(done.stdout)
    for log in ("quipud.log", "quipu-agent.log"):
        safe, bad = is_safe((rig.folder / log).read_bytes())
        expect(safe, f"{log} has {bad!r}")
    rig.integrity()
    rig.stop()
    return f"{len(written)} lines, {shown} commands shown without a character that a terminal obeys"


@row("T2", "a sender of endless series",
     injected="150,000 different series in packed datagrams; names and tags beyond every bound",
     expected="100,000 series and one that takes the rest, every sample counted, memory bounded", quick=False)
def endless_series(turn):
    rig = Rig(turn).start()
    count = 150_000
    with contextlib.closing(datagram_socket(rig.run / "metrics.sock")) as sender:
        for start in range(0, count, 1_500):
            sender.send(b"\n".join(b"many:1|c|#id:%d" % i for i in range(start, min(start + 1_500, count))))
        for _ in range(10):
            sender.send(b"n" * 5_000 + b":1|c")
            sender.send(b"tags:1|c|#" + b",".join(b"t%d:v" % i for i in range(2_000)))
    until("every sample", lambda: counted(rig, "many") == count, 120)
    stats = rig.ask("stats")
    expect(stats["stored"]["series"] <= 101_000, f"{stats['stored']}")
    expect(stats["stored"]["series_overflow"] >= count - 100_000, f"{stats['stored']}")
    resident = rig.daemon.status("VmRSS") >> 10
    expect(resident < 230, f"{resident} MiB resident")
    rig.ledger()
    rig.stop()
    stored = stats["stored"]
    return f"{stored['series']} series, {stored['series_overflow']} samples in the rest, {resident} MiB"


@row("T3", "clients whose questions cost much",
     injected="one user: endless SQL, whole tables, batches of 256 large questions, on 40 connections",
     expected="another user and `health` are answered; memory bounded; each question ends in its time")
def costly_questions(turn):
    rig = Rig(turn).start()
    with open(rig.logs / "app.jsonl", "wb") as log:
        lines = 2_000 if turn.quick else 8_000
        for n in range(lines):
            log.write(b'{"n":%d,"filler":"%s"}\n' % (n, b"x" * 400))
    rig.await_lines(lines)
    let_in(rig, NOBODY)
    endless = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    large = [{"method": "events.query", "id": i, "params": {"limit": 10_000}} for i in range(256)]
    requests = [json.dumps({"method": "sql", "params": {"query": endless}}).encode() + b"\n",
                json.dumps(large[:4 if turn.quick else 256]).encode() + b"\n",
                json.dumps({"method": "events.summary", "params": {"group_by": ["filler", "n"]}}).encode() + b"\n"]
    seconds = 4 if turn.quick else 15
    hostile = [raw(rig.run / "query.sock", 60) for _ in range(12 if turn.quick else 40)]
    ending = threading.Event()

    def attack(client, request):
        with contextlib.suppress(OSError), client.makefile("rb") as replies:
            while not ending.is_set():
                client.sendall(request)
                if not replies.readline():
                    return
    highest = resident = rig.daemon.status("VmRSS")
    threads = [threading.Thread(target=attack, args=(client, requests[i % 3]), daemon=True)
               for i, client in enumerate(hostile)]
    with Witness(rig) as witness:
        for each in threads:
            each.start()
        time.sleep(0.5)
        slowest, asked, end = 0.0, 0, time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            if os.geteuid() == 0:
                reply = as_user(NOBODY, NOBODY, lambda: one_question(rig))
                expect(reply.get("result"), f"another user: {reply}")
            slowest, asked = max(slowest, time.monotonic() - began), asked + 1
            highest = max(highest, rig.daemon.status("VmRSS"))
        ending.set()
        expect(not witness.failures, f"health: {witness.failures}")
        health = max(witness.milliseconds)
    for client in hostile:
        # Their threads still hold what `close` would only let go.
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()
    expect(slowest < 20, f"another user waited {slowest:.1f} s")
    # The unit's MemoryMax=.
    expect(highest >> 10 < 256, f"{highest >> 10} MiB resident, {resident >> 10} before")
    # Nothing that waited is asked any more: what ran ends with its time, and no other begins.
    until("well again", lambda: rig.ask("tools.stats"), 12)
    until("nobody works for who has gone", lambda: is_idle(rig.daemon), 20)
    rig.end()
    return (f"{asked} questions of another user, the slowest {slowest:.1f} s; health within {health:.0f} ms; "
            f"{resident >> 10} MiB, then {highest >> 10} MiB at most")


def is_idle(process, seconds=0.5):
    """Whether it uses next to no processor for a while."""
    before = process.cpu_seconds()
    time.sleep(seconds)
    return process.cpu_seconds() - before < seconds / 10


def one_question(rig):
    with contextlib.closing(rig.connect(60)) as connection:
        return connection.ask_any("tools.stats")


class Forger:
    """Speaks ingest.sock as it likes."""

    def __init__(self, rig):
        self.client = raw(rig.run / "ingest.sock", 30)

    def ask(self, method, body=b"", **params):
        request = {"method": method, "id": 1, "params": params}
        self.client.sendall(json.dumps(request).encode() + b"\n" + body)
        return json.loads(line_of(self.client) or b'{"closed":true}')

    def open(self, key, path, size=0, **more):
        return self.ask("ingest.open", source={"key": key, "path": path} | more, size=size)


@row("T4", "a compromised agent",
     injected="offsets that lie, foreign and strange sources, giant and half batches, answers that "
              "nobody reads",
     expected="refused or only its own sources wrong; others' lines stored once; memory bounded; the "
              "ledger balances")
def compromised_agent(turn):
    rig = Rig(turn).start()
    log = rig.logs / "honest.jsonl"
    log.write_bytes(b"".join(b'{"n":%d}\n' % n for n in range(1_000)))
    rig.await_lines(1_000)
    def lie(method, first, last, body=b"", stranger=0, **more):
        """On a connection of its own: some lies leave the stream out of step, which ends it."""
        forger = Forger(rig)
        with contextlib.closing(forger.client):
            source = forger.open("forged", "/etc/shadow", size=1 << 62)["result"]["source_id"] + stranger
            return forger.ask(method, body, source_id=source, **{"from": first, "to": last} | more)

    def batch(first, last, body, **more):
        return lie("ingest.batch", first, last, body, **{"bytes": len(body)} | more)
    line = b'{"forged":1}\n'
    lies = [batch(100, 100 + len(line), line), batch(0, 5, line), batch(0, 1 << 62, line),
            batch(50, 20, line), batch(-1, 12, line), batch(0, len(line) - 1, line[:-1]),
            batch(0, len(line), line, size=-1), batch(0, len(line), line, head={"bytes": 1 << 40, "hash": "x"}),
            lie("ingest.batch", 0, 0, stranger=999, bytes=0),
            lie("ingest.skip", 0, 1 << 63, lines=1, lost="x"), lie("ingest.skip", 0, 10, lines=-5, lost="x")]
    expect(all("error" in reply for reply in lies), f"taken: {[r for r in lies if 'error' not in r]}")
    for strange in ({"key": "k" * 100_000, "path": "p"}, {"key": "", "path": ""}, {"key": "a", "path": ESCAPES},
                    {"key": "b", "path": "../../x", "host": ESCAPES}, {"key": "c", "path": "p", "kind": "nonsense"}):
        forger = Forger(rig)
        with contextlib.closing(forger.client):
            forger.ask("ingest.open", source=strange, size=0)
    # Announced and not sent; announced beyond the bound.
    resident = rig.daemon.status("VmRSS")
    halves = [raw(rig.run / "ingest.sock") for _ in range(5)]
    for half in halves:
        half.sendall(b'{"method":"ingest.batch","params":{"source_id":1,"from":0,"to":16000000,"bytes":16000000}}\n')
        half.sendall(b"x" * 15_000_000)
    giant = Forger(rig)
    reply = giant.ask("ingest.batch", source_id=1, **{"from": 0, "to": 1 << 40, "bytes": 1 << 40})
    expect("error" in reply, f"a batch of a terabyte: {reply}")
    # Answers that nobody reads: it is heard no further, and the others are.
    deaf = raw(rig.run / "ingest.sock")
    deaf.setblocking(False)
    said = 0
    with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        while said < (64 << 20):
            said += deaf.send(b'{"method":"ingest.open","id":1,"params":{}}\n' * 1_000)
    until("a pause", lambda: deaf_is_stuck(deaf))
    growth = (rig.daemon.status("VmRSS") - resident) >> 10
    expect(growth < 160, f"{growth} MiB more for half batches and deaf agents")
    log.open("ab").write(b"".join(b'{"n":%d}\n' % n for n in range(1_000, 2_000)))
    until("honest lines", lambda: len(rig.numbers()) == 2_000)
    for each in (*halves, deaf, giant.client):
        each.close()
    seen = rig.check_exactly_once(range(2_000))
    rig.integrity()
    rig.stop()
    return (f"{len(lies)} lies refused, {growth} MiB more for 75 MB of half batches, "
            f"{said >> 10} KiB unread answers; honest: {seen}")


def deaf_is_stuck(client):
    """Nothing more is taken from somebody who does not listen, or it is cut."""
    try:
        client.send(b'{"method":"ingest.open","id":1,"params":{}}\n' * 1_000)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return True
