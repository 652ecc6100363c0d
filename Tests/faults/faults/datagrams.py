"""R: datagrams, whose senders do not repeat them, while their receiver dies."""

import os
import socket
import time

from .rig import Rig, Supervised, ping
from .rows import expect, row


def in_database(names, found):
    """Each of the names is one event, and nothing else is."""
    names = set(names)
    lost = names - found.keys()
    twice = [name for name, count in found.items() if count > 1]
    strange = found.keys() - names
    expect(not (lost or twice or strange),
           f"lost {len(lost)} {sorted(lost)[:3]}, twice {len(twice)} {sorted(twice)[:3]}, "
           f"strange {len(strange)} of {len(names)}")


@row("R7", "the agent is killed while datagrams come",
     injected="15 SIGKILLs in 4,000 datagrams, the socket is held",
     expected="send errors 0, lost 0, twice 0")
def agent_killed_under_datagrams(turn):
    count, kills = (800, 3) if turn.quick else (4_000, 15)
    rig = Rig(turn)
    rig.start_daemon()
    agent = Supervised(rig)
    deadly = set(turn.random.sample(range(count // 20, count), kills))
    refused = errors = 0
    killed = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.connect(str(agent.socket))
        for number in range(count):
            if number in deadly:
                # Each kill hits an agent that is up, or coming up.
                agent.await_next(killed[-1] if killed else None)
                killed.append(agent.pid)
                agent.kill9()
            while True:
                try:
                    sender.send(ping(f"p{number}"))
                    break
                except BlockingIOError:
                    # The queue of this machine is full, not of ours to say; the sender decides.
                    refused += 1
                    time.sleep(0.001)
                except OSError:
                    errors += 1
                    break
    expect(errors == 0, f"{errors} send errors")
    rig.await_lines(count)
    in_database([f"p{n}" for n in range(count)], rig.pings())
    expect(rig.ledger()["received"] == count, f"the ledger has {rig.ledger()['received']} of {count}")
    queue = open("/proc/sys/net/unix/max_dgram_qlen").read().strip()
    agent.stop()
    rig.daemon.stop()
    left = [name for name in os.listdir(rig.folder / "agent/agent") if name.endswith(".spool")]
    expect(len(left) <= 1, f"{len(left)} segments are left in the spool")
    return (f"{count} datagrams, {kills} kills: send errors 0, lost 0, twice 0 "
            f"(queue of {queue}: full {refused} times, sent again)")
