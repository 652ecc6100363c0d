"""F: what happens to the files that the agent reads."""

import os

from .rig import Rig, Writer
from .rows import row


@row("F1", "rename and create, again and again", injected="mv app.jsonl app.N.jsonl; a new app.jsonl, under load",
     expected="lost 0, twice 0; the old file is read to its end")
def rename_and_create(turn):
    rig = Rig(turn).start()
    writer = Writer(rig)
    for generation in range(10 if turn.quick else 60):
        for _ in range(turn.random.randrange(1, 20)):
            writer.write(turn.random.randrange(1, 300))
        os.rename(writer.path, rig.logs / f"app.{generation}.jsonl")
    writer.write(1)
    rig.await_lines(writer.next)
    return rig.check_exactly_once(writer.written)
