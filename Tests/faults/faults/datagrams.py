"""R: datagrams, whose senders do not repeat them, while their receiver dies."""

import json
import os
import shutil
import socket
import time

from . import box as boxes
from .box import AGENT, DAEMON
from .rig import Rig, Supervised, ping, said, send, until
from .rows import Skipped, expect, row
from .units import STATE, boxed


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
     injected="15 SIGKILLs in 4,000 datagrams, the socket is held: by a stand-in for the manager, then by systemd",
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
    seen = (f"{count} datagrams, {kills} kills: send errors 0, lost 0, twice 0 "
            f"(queue of {queue}: full {refused} times, sent again)")
    if turn.quick:
        return seen
    try:
        return f"{seen}; {under_systemd(turn, count, kills)}"
    except Skipped as reason:
        return f"{seen}; no systemd: {reason}"


@row("R9", "the spool is deleted in use",
     injected="rm -rf of the agent's state: all of it sent, then with the daemon away; SIGKILL afterwards",
     expected="what comes later is stored once; what was in it is told as lost; the log says both")
def spool_deleted(turn):
    rig = Rig(turn).start()
    state = rig.folder / "agent"

    def send_pings(first, count):
        send(rig.run / "metrics.sock", *(ping(f"p{n}") for n in range(first, first + count)))

    def delete():
        told = said(rig, "there is no file in")
        shutil.rmtree(state)
        until("the agent has seen it", lambda: said(rig, "there is no file in") > told)
    send_pings(0, 50)
    rig.await_lines(50)
    delete()
    send_pings(50, 50)
    rig.await_lines(100)
    in_database([f"p{n}" for n in range(100)], rig.pings())
    expect(sum(rig.ledger()["lost"].values()) == 0, "lost, though all was sent")
    until("the log says so", lambda: said(rig, "is made anew") == 1)
    rig.daemon.stop()
    send_pings(100, 50)
    delete()
    send_pings(150, 50)
    expect((state / "agent/landing").exists(), "no landing")
    until("the log says so", lambda: said(rig, "is made anew") == 2)
    rig.agent.kill9()
    rig.start_agent()
    send_pings(200, 50)
    rig.start_daemon()
    kept = [*range(100), *range(150, 250)]
    until("the last is stored", lambda: "p249" in rig.pings())
    in_database([f"p{n}" for n in kept], rig.pings())
    expect(sum(rig.ledger()["lost"].values()) > 0, "not told")
    rig.stop()
    return f"{len(kept)} of 250 stored once; 50 were in a spool that was deleted, and the log says so"


# Sends in the box and kills there; a full queue makes it wait. How many sends failed.
SENDER = """
import socket, subprocess, sys, time
count, deadly = int(sys.argv[1]), set(map(int, sys.argv[2].split(",")))
def pid():
    command = ["systemctl", "show", "--value", "-p", "MainPID", "quipu-agent.service"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
sender.settimeout(30)
sender.connect("/run/quipu/metrics.sock")
killed, errors = "0", 0
for number in range(count):
    if number in deadly:
        while (now := pid()) in ("", "0", killed):
            time.sleep(0.01)
        killed = now
        subprocess.run(["kill", "-KILL", killed])
    try:
        sender.send(b'{"event":"ping","name":"p%d"}' % number)
    except OSError:
        errors += 1
print(errors)
"""


def under_systemd(turn, count, kills):
    box = boxed(turn)
    box("systemctl", "start", DAEMON, AGENT)
    before = box.restarts(AGENT)
    deadly = ",".join(map(str, turn.random.sample(range(count // 20, count), kills)))
    errors = int(box("python3", "-", str(count), deadly, text=SENDER, seconds=120))
    expect(errors == 0, f"{errors} send errors under systemd")
    read = (f"import json, sqlite3\ndb = sqlite3.connect('file:{STATE}/quipu.db?mode=ro', uri=True, timeout=30)\n"
            "print(json.dumps(db.execute(\"SELECT count(*), count(DISTINCT name) FROM events WHERE kind = "
            "(SELECT id FROM strings WHERE text = 'ping')\").fetchone()))")

    def stored():
        return json.loads(box("python3", "-c", read))
    boxes.until(f"{count} datagrams", lambda: stored()[0] >= count, 60)
    expect(stored() == [count, count], f"{count} datagrams, {stored()} (rows, different) stored")
    restarts = box.restarts(AGENT) - before
    expect(restarts == kills, f"{restarts} restarts after {kills} kills")
    return f"the same under systemd, {restarts} restarts: send errors 0, lost 0, twice 0"
