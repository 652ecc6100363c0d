"""F12 to F17, F19 to F21: where files lie, how many, and what the file system does to them."""

import os
import pathlib
import resource
import stat
import subprocess
import time

from .files import Lines, has_open, lost_bytes
from .mounts import mount, mounting
from .rig import BIN, Rig, ping, send, until
from .rows import Skipped, expect, row

IS_ROOT = os.geteuid() == 0
NOBODY = 65_534
OPEN_FILES_MAX = 64


def new_namespaces(*kinds):
    """unshare in front of a program; as root of a namespace of its own where nobody is root here."""
    command = ["unshare", *kinds, *([] if IS_ROOT else ["-r"])]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        raise Skipped(f"{' '.join(command)} is not permitted")
    return command


def inside(process, script, *arguments):
    """Runs a script in the mount namespace of a program."""
    enter = ["nsenter", "-t", str(process.pid), *([] if IS_ROOT else ["-U", "--preserve-credentials"]), "-m"]
    command = [*enter, "sh", "-euc", script, "sh", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"not permitted: {done.stderr.strip()}")


@row("F12", "what is no log under a log's name",
     injected="links (to a log, in a circle, to nothing, a user's to root's file), FIFO, directory, device",
     expected="one copy of each log; no foreign file; nothing waits for a FIFO")
def not_a_log(turn):
    rig = Rig(turn)
    lines, logs = Lines(rig), rig.logs
    os.mkfifo(logs / "fifo.jsonl")
    (logs / "folder.jsonl").mkdir()
    os.symlink("circle.jsonl", logs / "circle.jsonl")
    os.symlink(logs, logs / "around")
    os.symlink("nothing.jsonl", logs / "dangling.jsonl")
    os.symlink("app.jsonl", logs / "link.jsonl")
    os.symlink("link.jsonl", logs / "again.jsonl")
    os.link(lines.append("app.jsonl", 10), logs / "hard.jsonl")
    foreign = "no other user here"
    if IS_ROOT:
        os.mknod(logs / "device.jsonl", stat.S_IFCHR | 0o666, os.makedev(1, 9))
        (rig.folder / "secret").write_bytes(b'{"n":-1}\n')
        os.chmod(rig.folder / "secret", 0o600)
        os.symlink(rig.folder / "secret", logs / "foreign.jsonl")
        os.lchown(logs / "foreign.jsonl", NOBODY, NOBODY)
        foreign = "a user's link to root's file was not followed"
    rig.start()
    lines.append("app.jsonl", 10)
    lines.append("folder.jsonl/inner.jsonl", 10)
    lines.await_all()
    # The place of a log is taken by a link to somebody else's file.
    if IS_ROOT:
        os.rename(logs / "foreign.jsonl", logs / "hard.jsonl")
    os.remove(logs / "link.jsonl")
    os.symlink("dangling.jsonl", logs / "link.jsonl")
    lines.append("app.jsonl", 10)
    lines.append("nothing.jsonl", 10)
    lines.await_all()
    return f"{lines.check()}; {foreign}"


@row("F13", "deleted before it was read",
     injected="with the daemon away, rm of 64 held files and 40 others, and of 1.2 GB",
     expected="what is held is read to its end and let go within 60 s; the rest is told as lost, to the byte")
def deleted_unread(turn):
    rig = Rig(turn)
    lines = Lines(rig)
    first, sizes = {}, {}
    for number in range(OPEN_FILES_MAX + 40):
        name = f"{number}.jsonl"
        first[name] = lines.count
        sizes[name] = lines.append(name, 5).stat().st_size
    rig.start_agent()
    until("the agent has looked", lambda: "ready: 104 files" in (rig.folder / "quipu-agent.log").read_text())
    held = {name for name in sizes if has_open(rig.agent, rig.logs / name)}
    expect(len(held) == OPEN_FILES_MAX, f"{len(held)} files are held")
    for name in sizes:
        os.remove(rig.logs / name)
    # It tells nobody that it has seen that.
    time.sleep(0.5)
    rig.start_daemon()
    unread = sum(size for name, size in sizes.items() if name not in held)
    until("the held files are stored and the loss is told",
          lambda: len(rig.numbers()) >= 5 * len(held) and lost_bytes(rig) >= unread)
    expect(lost_bytes(rig) == unread, f"{unread} bytes were lost, {lost_bytes(rig)} are told")
    seen = rig.check_exactly_once(n for name in held for n in range(first[name], first[name] + 5))
    seen += f" of held files; {unread} bytes of others lost and told"
    if not turn.quick:
        seen += f"; let go after {await_released(rig):.0f} s; {too_much(rig)}"
    return seen


def until_held(rig, path):
    until(f"the agent holds {path.name}", lambda: has_open(rig.agent, path))


def await_released(rig):
    began = time.monotonic()
    until("the deleted files are let go", lambda: not deleted(rig))
    return time.monotonic() - began


def deleted(rig):
    found = 0
    for name in os.listdir(f"/proc/{rig.agent.pid}/fd"):
        target = os.readlink(f"/proc/{rig.agent.pid}/fd/{name}")
        found += target.startswith(str(rig.logs)) and target.endswith(" (deleted)")
    return found


def too_much(rig):
    """Deleted files that hold more than 1 GB; gives what was seen."""
    rig.daemon.stop()
    size = 400 << 20
    for number in range(3):
        path = rig.logs / f"big{number}.jsonl"
        path.touch()
        os.truncate(path, size)
        until_held(rig, path)
        os.remove(path)
    until("one is let go", lambda: deleted(rig) == 2)
    rig.start_daemon()
    before = lost_bytes(rig)
    until("the loss is told", lambda: lost_bytes(rig) > before)
    told = lost_bytes(rig) - before
    expect(told == size, f"{size} bytes were lost, {told} are told")
    return f"of 1.2 GB deleted unread {told} bytes let go and told"


@row("F14", "ten thousand files at once",
     injected="a new tree of 100 directories with 100 files each, then more in each",
     expected="all found within 5 s, stored soon; at most 64 held open; lost 0, twice 0")
def many_files(turn):
    rig = Rig(turn).start()
    lines = Lines(rig, filler=(0, 20))
    folders = 2 if turn.quick else 100
    elsewhere = rig.folder / "tree"
    for folder in range(folders):
        (elsewhere / f"{folder}").mkdir(parents=True)
        for number in range(100):
            (elsewhere / f"{folder}/{number}.jsonl").write_bytes(lines.make(1))
    base = rig.agent.descriptors()
    began = time.monotonic()
    os.rename(elsewhere, rig.logs / "tree")
    most = 0
    while rig.ledger()["received"] < lines.count:
        most = max(most, rig.agent.descriptors() - base)
        expect(time.monotonic() - began < 300, "not all stored within 300 s")
    took = time.monotonic() - began
    for path in sorted((rig.logs / "tree").glob("*/*.jsonl"))[::3]:
        with open(path, "ab") as file:
            file.write(lines.make(1))
    lines.await_all()
    expect(most <= OPEN_FILES_MAX + 2, f"{most} files held open")
    return (f"{lines.check()}; {folders * 100} stored in {took:.1f} s, {most} held open; "
            f"found by another agent within {found_again(rig, folders * 100):.1f} s")


def found_again(rig, files):
    """How long an agent takes that starts to find them all."""
    rig.agent.stop()
    log = rig.folder / "quipu-agent.log"
    before = log.stat().st_size
    began = time.monotonic()
    rig.start_agent(wait=False)
    until("all files are found", lambda: f"ready: {files} files" in log.read_text()[before:])
    return time.monotonic() - began


@row("F15", "inotify overflows, or has no watches left",
     injected="20,000 changes while the agent is stopped; 3 watches for many directories",
     expected="everything is looked at again: lost 0, twice 0; told once")
def inotify_fails(turn):
    rig = Rig(turn)
    rig.start_daemon()
    rig.start_agent(env={**os.environ, "QUIPU_RESCAN_SECONDS": "3600"})
    lines = Lines(rig)
    for number in range(2):
        lines.append(f"{number}.jsonl", 1)
    lines.await_all()
    most = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 100_000:
        raise Skipped(f"inotify queues {most} events here")
    rig.agent.signal(19)  # SIGSTOP
    files = [open(rig.logs / f"{number}.jsonl", "ab", buffering=0) for number in range(2)]
    # The kernel joins what is the same twice in a row.
    for number in range(most + 4_000):
        files[number % 2].write(lines.make(1) if number % 40 < 2 else b"\n")
    for file in files:
        file.close()
    (rig.logs / "late").mkdir()
    lines.append("late/app.jsonl", 5)
    rig.agent.signal(18)
    until("all lines are stored", lambda: len(rig.numbers()) >= lines.count)
    said = (rig.folder / "quipu-agent.log").read_text().count("inotify dropped events")
    expect(said == 1, f"it was said {said} times")
    seen = lines.check()
    rig.agent.stop()
    return f"{seen} through an overflow; {without_watches(rig, lines, *((8, 1) if turn.quick else (40, 2)))}"


def without_watches(rig, lines, folders, rounds):
    limit = 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"'
    command = ["unshare", "-U", "-r", "sh", "-c", limit, "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        return "watches cannot be limited here"
    for number in range(folders):
        (rig.logs / f"folder{number}").mkdir()
    rig.start_agent(before=command, env={**os.environ, "QUIPU_RESCAN_SECONDS": "1"})
    for _ in range(rounds):
        for number in range(folders):
            lines.append(f"folder{number}/app.jsonl", 2)
        lines.await_all()
    said = (rig.folder / "quipu-agent.log").read_text().count("are seen by the periodic scan only")
    expect(said == 1, f"it was said {said} times that there are no watches")
    return f"{lines.check()} with 3 watches"


@row("F16", "a file or its file system is away for a while",
     injected="chmod 000 and back; umount and mount again",
     expected="told, tried again; lost 0, twice 0 when it is back")
def away_for_a_while(turn):
    rig = Rig(turn)
    rig.start_daemon()
    lines = Lines(rig)
    (rig.folder / "disk").mkdir()
    (rig.folder / "disk/app.jsonl").write_bytes(lines.make(10))
    (rig.logs / "mount").mkdir()
    # Root reads everything, also in a namespace of its own, but for this.
    humble = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    before = [*new_namespaces("-m"), *humble]
    often = {**os.environ, "QUIPU_RESCAN_SECONDS": "1"}
    rig.start_agent(before=before, env=often)
    inside(rig.agent, 'mount --bind "$1" "$2"', rig.folder / "disk", rig.logs / "mount")
    path = lines.append("app.jsonl", 10)
    lines.await_all()
    for _ in range(1 if turn.quick else 5):
        inside(rig.agent, 'umount -l "$1"', rig.logs / "mount")
        os.chmod(path, 0)
        rig.agent.kill9()
        rig.start_agent(before=before, env=often)
        with open(path, "ab") if IS_ROOT else open(os.devnull, "ab") as file:
            file.write(lines.make(10) if IS_ROOT else b"")
        with open(rig.folder / "disk/app.jsonl", "ab") as file:
            file.write(lines.make(10))
        until("the failure is told",
              lambda: "Permission denied" in (rig.folder / "quipu-agent.log").read_text())
        inside(rig.agent, 'mount --bind "$1" "$2"', rig.folder / "disk", rig.logs / "mount")
        os.chmod(path, 0o644)
        lines.await_all()
    return lines.check()


@row("F17", "strange times of files",
     injected="touch to 1901, 1970, 2100, 2446 and now, again and again, while lines come",
     expected="lost 0, twice 0: no decision rests on a file's times")
def strange_times(turn):
    rig = Rig(turn).start()
    lines = Lines(rig)
    times = [0, -2**31, 4_102_444_800, 15_032_385_535, time.time()]
    for _ in range(3 if turn.quick else 20):
        for moment in times:
            for number in range(4):
                path = lines.append(f"{number}.jsonl", turn.random.randrange(0, 5))
                os.utime(path, (moment, moment))
            time.sleep(0.02)
        if turn.random.random() < 0.3:
            rig.agent.kill9()
            rig.start_agent()
    lines.await_all()
    return lines.check()


@row("F19", "a disk has another number",
     injected="overlays of the same files, mounted one after the other: agent restarted, agent running, agent killed;"
              " logs and spool",
     expected="each line and datagram once: a file is its inode and birth, wherever it is")
@mounting
def another_number(turn):
    rig = Rig(turn)
    rig.start_daemon()
    lines = Lines(rig)
    disk, spool, often = rig.folder / "disk", rig.folder / "agent", {**os.environ, "QUIPU_RESCAN_SECONDS": "1"}
    for path in (disk, spool, rig.logs / "mount"):
        path.mkdir()
    mount("-t", "tmpfs", "tmpfs", disk)
    turn.at_end(lambda: subprocess.run(["umount", "-l", str(disk)], capture_output=True))
    places = {"logs": rig.logs / "mount", "spool": spool}

    def put(name):
        """Other devices have been mounted since, which gives another number."""
        other = turn.folder / f"other-{len(seen)}-{name}"
        other.mkdir()
        mount("-t", "tmpfs", "tmpfs", other)
        turn.at_end(lambda: subprocess.run(["umount", "-l", str(other)], capture_output=True))
        parts = {part: disk / f"{name}-{part}" for part in ("lower", "upper", "work")}
        for path in parts.values():
            path.mkdir(exist_ok=True)
        options = "lowerdir={lower},upperdir={upper},workdir={work}".format(**parts)
        mount("-t", "overlay", "-o", options, "overlay", places[name])
        turn.at_end(lambda: subprocess.run(["umount", "-l", str(places[name])], capture_output=True))
        seen.append(os.stat(places[name]).st_dev)

    def away(name):
        subprocess.run(["umount", "-l", str(places[name])], check=True)

    def await_lines():
        # The ledger counts datagrams, too.
        until("the lines are stored", lambda: len(rig.numbers()) == lines.count)

    seen, sent = [], 0
    put("logs")
    put("spool")
    if subprocess.check_output(["stat", "-c", "%W", lines.append("mount/app.jsonl", 10)]).strip() == b"0":
        raise Skipped("this file system tells no time of birth")
    rig.start_agent(env=often)
    for how in ("restarted", "running", "killed")[:2 if turn.quick else 3]:
        lines.append("mount/app.jsonl", 10)
        names = [f"{how} {number}" for number in range(20)]
        send(rig.run / "metrics.sock", *(ping(name) for name in names))
        sent += len(names)
        await_lines()
        until("the datagrams are stored", lambda: len(rig.pings()) == sent)
        if how == "running":
            away("logs")
            time.sleep(2)
            put("logs")
        else:
            code = rig.agent.kill9() if how == "killed" else rig.agent.stop()
            expect(how == "killed" or code == 0, f"exit code {code}")
            for name in places:
                away(name)
                put(name)
            rig.start_agent(env=often)
        lines.append("mount/app.jsonl", 10)
        await_lines()
    rig.stop()
    rig.start()
    expect(len(set(seen)) == len(seen), f"a device had its number again: {seen}")
    twice = {name: count for name, count in rig.pings().items() if count != 1}
    expect(len(rig.pings()) == sent and not twice, f"datagrams: {len(rig.pings())} of {sent}, twice {twice}")
    return f"{lines.check()}, {sent} datagrams once, under {len(seen)} numbers of devices"


@row("F20", "the machine is renamed",
     injected="another host name with each start of agent, daemon and import, and in memory mode",
     expected="each line and datagram once, under the first name")
def renamed(turn):
    rig = Rig(turn)
    namespace = new_namespaces("-u")

    def called(name):
        return [*namespace, "sh", "-euc", 'hostname "$0"; exec "$@"', name]

    lines, sent, other = Lines(rig), 0, rig.folder / "import.jsonl"
    other.write_bytes(b'{"hook_event_name":"Stop","session_id":"s"}\n')
    path = lines.append("app.jsonl", 10)
    for daemon, agent in (("alpha", "alpha"), ("alpha", "beta"), ("beta", "alpha"), ("gamma", "gamma")):
        rig.start_daemon(before=called(daemon))
        rig.start_agent(before=called(agent))
        for mode in ("as it is", *([] if turn.quick else ["off", "on"])):
            if mode != "as it is":
                rig.ask("admin.persistence", enabled=mode == "on")
            lines.append("app.jsonl", 10)
            send(rig.run / "metrics.sock", *(ping(f"{sent + number}") for number in range(10)))
            sent += 10
            if mode != "off":
                until("all is stored", lambda: len(rig.numbers()) == lines.count and len(rig.pings()) == sent)
        done = subprocess.run(
            [*called(agent), BIN / "quipu", "--runtime-dir", rig.run, "import", other], capture_output=True, text=True)
        expect(done.returncode == 0, f"import: {done.stderr}")
        rig.stop()
    rig.start_daemon(before=called("delta"))
    hosts = {host for host, in rig.rows("SELECT host FROM sources")}
    expect(hosts == {"alpha"}, f"hosts: {hosts}")
    sources = rig.rows("SELECT count(*) FROM sources WHERE path = ? OR path = ?", str(path), str(other))
    expect(sources == [(2,)], f"sources: {sources}")
    twice = {name: count for name, count in rig.pings().items() if count != 1}
    expect(not twice, f"datagrams twice: {twice}")
    return f"{lines.check()}, {sent} datagrams once, host {hosts}"


@row("F21", "the agent's state is copied to another disk",
     injected="agent stopped, its folder copied, the copy used; daemon there, away, in memory mode",
     expected="a clean stop leaves nothing behind that the daemon has; each datagram once; a stop takes less than 5 s")
def agent_is_moved(turn):
    rig = Rig(turn).start()
    sent, longest = 0, 0
    for how in ("there", "there", "away", "memory")[:2 if turn.quick else 4]:
        if how == "memory":
            rig.ask("admin.persistence", enabled=False)
        send(rig.run / "metrics.sock", *(ping(f"{sent + number}") for number in range(50)))
        sent += 50
        if how != "memory":
            until("all is stored", lambda: len(rig.pings()) == sent)
        if how == "away":
            rig.daemon.stop()
            send(rig.run / "metrics.sock", *(ping(f"{sent + number}") for number in range(50)))
            sent += 50
        began = time.monotonic()
        expect(rig.agent.stop() == 0, "exit code")
        longest = max(longest, time.monotonic() - began)
        left = [path.name for path in (rig.folder / "agent").rglob("*.spool")]
        expect(how != "there" or not left, f"left behind: {left}")
        if how == "away":
            rig.start_daemon()
        if how == "memory":
            rig.ask("admin.persistence", enabled=True)
        if how == "there":
            os.rename(rig.folder / "agent", rig.folder / f"agent-{sent}")
            subprocess.run(["cp", "-a", rig.folder / f"agent-{sent}", rig.folder / "agent"], check=True)
        rig.start_agent()
    until("all is stored", lambda: len(rig.pings()) == sent)
    rig.stop()
    rig.start_daemon()
    twice = {name: count for name, count in rig.pings().items() if count != 1}
    expect(not twice, f"datagrams twice: {twice}")
    expect(longest < 5, f"a stop took {longest:.1f} s")
    return f"{sent} datagrams once; the longest stop took {longest:.1f} s"
