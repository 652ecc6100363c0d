"""What disks may hold after a power cut, out of what programs did to their files.

A recording is strace's log of every call that changes files in some directories. At any point of it the power may go.
What was written to a file before its last sync is on disk; of what was written since, any sector may be old, new or
missing. Directories keep the order of their changes, and lose the last of those that were not synced. A write may reach
the disk from its beginning on, a sync has happened only when it returned, and what a program said to another was heard
from the beginning of its saying.
"""

import dataclasses
import os
import re

SECTOR = 512
CALLS = ("openat,pwrite64,pwritev,write,writev,sendto,fsync,fdatasync,ftruncate,truncate,unlink,unlinkat,rename,"
         "renameat,renameat2,fallocate")
STRACE = ["strace", "-f", "-qq", "-ttt", "-y", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none"]


@dataclasses.dataclass
class Op:
    line: int
    time: float
    # create, write, truncate, sync, sync_folder, unlink, said
    kind: str
    path: str = ""
    offset: int = 0
    data: bytes = b""


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
DESCRIPTOR = re.compile(r"(-?\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>")
BEGUN = re.compile(r"(\d+) +([\d.]+) (\w+)\((.*)$", re.S)
RESUMED = re.compile(r"(\d+) +[\d.]+ <\.\.\. \w+ resumed>(.*)$", re.S)


def calls(log):
    """(line where it began, line where it ended, time, name, arguments, result) of each call that ended well."""
    waiting = {}
    with open(log) as file:
        for number, line in enumerate(file):
            if resumed := RESUMED.match(line):
                pid, rest = resumed.groups()
                begun = waiting.pop(pid, None)
                if not begun:
                    continue
                start, time, name, head = begun
                text = head + rest
            elif begun := BEGUN.match(line):
                pid, time, name, text = begun.groups()
                start = number
                if text.rstrip().endswith("<unfinished ...>"):
                    waiting[pid] = (start, time, name, text.rstrip().removesuffix("<unfinished ...>"))
                    continue
            else:
                continue
            arguments, _, result = text.rpartition(" = ")
            value = re.match(r"-?\d+", result)
            if value and int(value[0]) >= 0:
                yield start, number, float(time), name, arguments.rstrip().removesuffix(")"), int(value[0])


def operations(log, folders):
    """What happened to the files in `folders`, and what was said to others, in order."""
    ops = []
    for start, end, time, name, text, result in calls(log):
        found = DESCRIPTOR.match(text)
        path = unhex(found[2]).decode() if found else ""
        ours = os.path.dirname(path) in folders
        if name in ("write", "sendto", "pwrite64", "pwritev", "writev"):
            data = b"".join(unhex(part) for part in STRING.findall(text))[:result]
            if ours:
                if name in ("write", "writev"):
                    raise ValueError(f"not modelled: {name} to {path}")
                ops.append(Op(start, time, "write", path, int(text.rpartition(",")[2]), data))
            elif data.lstrip(b"\n")[:1] == b"{":
                ops.append(Op(start, time, "said", data=data))
        elif name in ("fsync", "fdatasync"):
            if path in folders:
                ops.append(Op(end, time, "sync_folder", path))
            elif ours:
                ops.append(Op(end, time, "sync", path))
        elif name == "ftruncate" and ours:
            ops.append(Op(start, time, "truncate", path, int(text.rpartition(",")[2])))
        elif name in ("openat", "unlink", "unlinkat", "truncate"):
            path = unhex(STRING.search(text)[1]).decode()
            if os.path.dirname(path) not in folders:
                continue
            if name == "truncate":
                ops.append(Op(start, time, "truncate", path, int(text.rpartition(",")[2])))
            elif name != "openat":
                ops.append(Op(start, time, "unlink", path))
            elif "O_CREAT" in text:
                ops.append(Op(start, time, "create", path))
        elif name.startswith("rename"):
            if any(os.path.dirname(unhex(part).decode()) in folders for part in STRING.findall(text)):
                raise ValueError(f"not modelled: {name}")
    return sorted(ops, key=lambda op: op.line)


class File:
    """One file's content as it may be after the cut."""

    def __init__(self):
        self.bytes = bytearray()

    def write(self, offset, data):
        if len(self.bytes) < offset:
            self.bytes.extend(bytes(offset - len(self.bytes)))
        self.bytes[offset:offset + len(data)] = data

    def truncate(self, size):
        if size < len(self.bytes):
            del self.bytes[size:]
        else:
            self.bytes.extend(bytes(size - len(self.bytes)))

    def lose_some(self, offset, data, random):
        """A write that was never synced: it is there, or not, or some sectors of it are."""
        fate = random.random()
        if fate < 0.3:
            return
        if fate < 0.5:
            return self.write(offset, data)
        if fate < 0.7:
            # Its length reached the disk, and of its content a part.
            end = max(len(self.bytes), offset + len(data))
            self.truncate(end)
        start = offset
        while start < offset + len(data):
            end = min((start // SECTOR + 1) * SECTOR, offset + len(data))
            if random.random() < 0.5:
                self.write(start, data[start - offset:end - offset])
            elif fate >= 0.9:
                # Only the beginning.
                return
            start = end


def state(ops, random):
    """{path: bytes} after a power cut behind the last of `ops`."""
    # Which file an operation is about: names are used again.
    of, live, synced, folder_synced, changes = {}, {}, {}, {}, {}
    for index, op in enumerate(ops):
        if op.kind == "sync_folder":
            folder_synced[op.path] = index
            continue
        if op.kind == "create" and op.path in live or op.kind != "create" and op.path not in live:
            continue
        if op.kind == "create":
            live[op.path] = index
        of[index] = live[op.path]
        if op.kind == "sync":
            synced[of[index]] = index
        elif op.kind in ("create", "unlink"):
            changes.setdefault(os.path.dirname(op.path), []).append(index)
        if op.kind == "unlink":
            del live[op.path]
    lost = set()
    for folder, indices in changes.items():
        unsure = [index for index in indices if index > folder_synced.get(folder, -1)]
        lost |= set(unsure[random.randrange(len(unsure) + 1):])
    files, names = {}, {}
    for index, op in enumerate(ops):
        if index not in of:
            continue
        file, is_sure = files.setdefault(of[index], File()), index < synced.get(of[index], -1)
        if op.kind == "create" and index not in lost:
            names[op.path] = file
        elif op.kind == "unlink" and index not in lost:
            del names[op.path]
        elif op.kind == "truncate" and (is_sure or random.random() < 0.5):
            file.truncate(op.offset)
        elif op.kind == "write" and is_sure:
            file.write(op.offset, op.data)
        elif op.kind == "write":
            file.lose_some(op.offset, op.data, random)
    return {path: bytes(file.bytes) for path, file in names.items()}
