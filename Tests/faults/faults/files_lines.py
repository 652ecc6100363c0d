"""F7 to F11, F18: what may stand in a file."""

import json
import os
import shutil
import time

from .files import Lines
from .rig import Rig, until
from .rows import expect, row

MIB = 1 << 20
LINE_BYTES_MAX = 16 * MIB


def text_of(rig, number):
    """The `text` of the event with this `n`."""
    found = rig.rows("SELECT attributes FROM events WHERE json_extract(attributes, '$.n') = ?", number)
    expect(len(found) == 1, f"{len(found)} events with n = {number}")
    return json.loads(found[0][0])["text"]


def await_rejected(rig, reason, count):
    until(f"{count} lines rejected as {reason}",
          lambda: rig.ask("ledger", limit=1)["total"]["rejected"].get(reason, 0) >= count)


@row("F7", "hardly a file", injected="1 byte, 0 bytes, a last line without its newline over restarts of both",
     expected="1 byte and a newline stored within 1 s; the unfinished line never sent, never lost")
def hardly_a_file(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    (rig.logs / "empty.jsonl").touch()
    (rig.logs / "byte.jsonl").write_bytes(b"7")
    path = lines.append("unfinished.jsonl", 3)
    whole = path.stat().st_size
    last = lines.make(1)
    with open(path, "ab") as file:
        file.write(last[:-1])
    rig.await_lines(3)
    for end in ("stop", "kill9"):
        getattr(rig.agent, end)()
        rig.start_agent()
        getattr(rig.daemon, end)()
        rig.start_daemon()
    began = time.monotonic()
    with open(rig.logs / "byte.jsonl", "ab") as file:
        file.write(b"\n")
    await_rejected(rig, "not_an_object", 1)
    took = time.monotonic() - began
    position = rig.rows("SELECT position FROM sources WHERE path LIKE '%/unfinished.jsonl'")[0][0]
    expect(position == whole, f"the position is {position}, the last whole line ends at {whole}")
    with open(path, "ab") as file:
        file.write(b"\n")
    rig.await_lines(lines.count + 1)
    return f"{lines.check()}; the byte after {took:.2f} s"


@row("F8", "a line in pieces", injected="a byte at a time, characters of UTF-8 torn",
     expected="one row, its bytes equal")
def line_in_pieces(turn):
    rig = Rig(turn).start()
    text = "ä→🜚" * (8 if turn.quick else 40)
    content = json.dumps({"n": 0, "text": text}, ensure_ascii=False).encode() + b"\n"
    with open(rig.logs / "app.jsonl", "ab", buffering=0) as file:
        for at in range(len(content)):
            file.write(content[at:at + 1])
            time.sleep(0.01)
    rig.await_lines(1)
    expect(text_of(rig, 0) == text, "the text is not what was written")
    return f"{len(content)} pieces, {rig.check_exactly_once([0])}"


@row("F9", "long lines", injected="lines of 1 MiB, 16 MiB and more: 64 MiB, 1 GiB",
     expected="up to 16 MiB stored whole; longer skipped with counter, path and offset; memory stays small")
def long_lines(turn):
    rig = Rig(turn).start()
    before = rig.agent.status("VmHWM")
    lines = Lines(rig)
    sizes = [MIB, 20 * MIB] if turn.quick else [MIB, LINE_BYTES_MAX - 2, 64 * MIB, 1 << 30]
    if shutil.disk_usage(rig.logs).free < 4 << 30:
        sizes = [s for s in sizes if s < 1 << 30]
    offsets = []
    with open(rig.logs / "app.jsonl", "ab") as file:
        for size in sizes:
            file.write(lines.make(1))
            first = lines.make(1) if size <= LINE_BYTES_MAX else None
            beginning = b'{"n":%d,"text":"' % (lines.count - 1) if first else b'{"text":"'
            if not first:
                offsets.append(file.tell())
            file.write(beginning)
            left = size - len(beginning) - 2
            while left > 0:
                file.write(b"x" * min(left, MIB))
                left -= min(left, MIB)
            file.write(b'"}\n')
    lines.append("app.jsonl", 1)
    rig.await_lines(lines.count + len(offsets), 300)
    rejected = rig.ledger()["rejected"]
    expect(rejected == {"line_too_long": len(offsets)}, f"rejected: {rejected}")
    told = (rig.folder / "quipu-agent.log").read_text()
    for offset in offsets:
        expect(f"at offset {offset}" in told, f"nothing is said of offset {offset}")
    grown = rig.agent.status("VmHWM") - before
    expect(grown <= 2 * LINE_BYTES_MAX // 1_024, f"the agent grew by {grown} KiB")
    return f"{lines.check()}, {len(offsets)} skipped with their offsets; the agent grew by {grown} KiB"


# What damages a line, as bytes with its newline; and as what it is rejected, or None: it is stored.
DAMAGE = [
    (b'{"text":"\xff\xfe"}\n', "invalid_utf8"),
    (b'{"text":"\xed\xa0\x80"}\n', "invalid_utf8"),
    (b'{"text":"\xc3"}\n', "invalid_utf8"),
    (b'{"text":"a\x00b"}\n', "invalid_json"),
    (b'{"text":"\\ud800"}\n', None),
    (b'{"text":"\\u0000"}\n', None),
    (b'{"text":"crlf"}\r\n', None),
    # A byte order mark is one at the beginning of its file only.
    (b'\xef\xbb\xbf{"text":"mark"}\n', "invalid_json"),
    (b'Traceback (most recent call last):\n', "invalid_json"),
    (b'{"text":"torn\n', "invalid_json"),
    (b'null\n', "not_an_object"),
    (b'"text"\n', "not_an_object"),
    (b'{"text":1e999}\n', None),
    (b'{"text":NaN}\n', "invalid_json"),
    (b'{"text":"\x1b[2J\x1b]0;x\x07"}\n', "invalid_json"),
]


@row("F10", "damaged lines between good ones",
     injected="invalid UTF-8, NUL, lone surrogates, BOM, CRLF, no JSON, random bytes",
     expected="0 good lines lost; what is rejected is counted, kept and shown; answers stay valid JSON")
def damaged_lines(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    for number, (damage, _) in enumerate(DAMAGE):
        with open(rig.logs / f"{number}.jsonl", "ab") as file:
            file.write(b"\xef\xbb\xbf" + lines.make(1) + damage + lines.make(1))
    fuzz(turn, rig, lines)
    until("all good lines are stored", lambda: len(rig.numbers()) >= lines.count)
    seen = lines.check()
    for number, (damage, reason) in enumerate(DAMAGE):
        found = rig.rows("SELECT r.reason FROM ledger_rejected AS r JOIN sources AS s ON s.id = r.source "
                         "WHERE s.path LIKE ?", f"%/{number}.jsonl")
        wanted = [(reason,)] if reason else []
        expect(found == wanted, f"{damage}: {found}")
    read_all(rig)
    return f"{seen}; {sum(rig.ledger()['rejected'].values())} rejected"


def fuzz(turn, rig, lines):
    """Random bytes without newlines and braces, which could open or close a record."""
    usable = bytes(set(range(256)) - set(b"\n{}[]\""))
    with open(rig.logs / "random.jsonl", "ab") as file:
        for _ in range(200 if turn.quick else 20_000):
            file.write(lines.make(1))
            file.write(bytes(turn.random.choices(usable, k=turn.random.randrange(0, 60))) + b"\n")


def read_all(rig):
    """Every event and reject as the socket tells it; the rig parses strictly."""
    cursor = None
    while True:
        page = rig.ask("events.query", limit=10_000, **({"cursor": cursor} if cursor else {}))
        cursor = page.get("next_cursor")
        if not cursor:
            break
    rejects = rig.ask("ledger", limit=100)["rejects"]
    expect(rejects, "no rejected line is shown")


@row("F11", "deep nesting", injected="objects and arrays 64, 128, 129, 512 and 100,000 deep",
     expected="more than 128 is rejected as too deep; no crash; neighbours unharmed")
def deep_nesting(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    deep = 0
    with open(rig.logs / "app.jsonl", "ab") as file:
        for depth in (64, 128, 129, 512, 100_000):
            for opening, closing in ((b'{"a":', b"}"), (b"[", b"]"), (b'[{"a":', b"}]")):
                file.write(lines.make(1))
                levels = depth - 1
                each = opening.count(b"[") + opening.count(b"{")
                times = levels // each
                inner = opening * times + b"1" + closing * times
                file.write(b'{"deep":' + inner + b"}\n")
                deep += times * each + 1 > 128
    lines.append("app.jsonl", 1)
    pid = rig.daemon.pid
    until("all good lines are stored", lambda: len(rig.numbers()) >= lines.count)
    rejected = rig.ledger()["rejected"]
    expect(rejected == {"too_deep": deep}, f"rejected: {rejected}, too deep are {deep}")
    expect(rig.ask("health") and rig.daemon.popen.poll() is None and rig.daemon.pid == pid, "it crashed")
    return f"{lines.check()}; {deep} rejected as too deep"


@row("F18", "the writer's machine lost power",
     injected="a hole or NULs at the file's end, then further lines",
     expected="NULs cost only the line that they cut; one behind a hole of over 16 MiB is skipped, counted")
def nul_tail(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    for number, (torn, hole) in enumerate([(False, 4_096), (True, 4_096), (False, 3 * MIB)]):
        name = f"{number}.jsonl"
        path = lines.append(name, 5)
        if torn:
            with open(path, "ab") as file:
                file.write(b'{"n":-1,"filler":"xx')
        os.truncate(path, path.stat().st_size + hole)
        # What follows NULs in their line is read; what follows a torn line in its line is torn.
        if torn:
            with open(path, "ab") as file:
                file.write(b"\n")
        lines.append(name, 5)
    (rig.logs / "long.jsonl").touch()
    os.truncate(rig.logs / "long.jsonl", 20 * MIB)
    with open(rig.logs / "long.jsonl", "ab") as file:
        file.write(b'{"n":-2}\n' + lines.make(5))
    until("all lines are stored", lambda: len(rig.numbers()) >= lines.count)
    seen, rejected = lines.check(), rig.ledger()["rejected"]
    expect(rejected.pop("line_too_long", 0) == 1, "the line that is welded to the hole is not counted")
    expect(sum(rejected.values()) == 1, f"rejected: {rejected}")
    return f"{seen}; rejected: the torn line as {', '.join(rejected)}, the welded one as line_too_long"
