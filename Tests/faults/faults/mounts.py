"""File systems of a row's own: small, and seen by the row and what it starts alone."""

import ctypes
import functools
import os
import subprocess
import threading

from .rows import Skipped

CLONE_NEWNS, CLONE_FS = 0x20000, 0x200


def mounting(action):
    """Runs a row's action in a mount namespace of its own, which ends with it and with all that it started."""
    @functools.wraps(action)
    def inside(turn):
        outcome = {}

        def run():
            try:
                if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS | CLONE_FS) != 0:
                    raise Skipped(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
                mount("--make-rprivate", "/")
                outcome["seen"] = action(turn)
            except BaseException as error:
                outcome["error"] = error
            finally:
                # What it started lives in this namespace: it ends here, not with the row.
                turn.end()
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["seen"]
    return inside


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skipped(f"mount is not permitted here: {done.stderr.strip()}")


class SmallDisk:
    """An ext4 file system of so many MiB, or a tmpfs where loop devices are not to be had."""

    def __init__(self, turn, mib, kind="ext4"):
        self.path = turn.folder / "disk"
        self.path.mkdir()
        self.ballast = self.path / "filler"
        self.kind = kind
        if kind == "ext4":
            image = turn.folder / "disk.img"
            with open(image, "wb") as file:
                file.truncate(mib << 20)
            made = subprocess.run(["mkfs.ext4", "-q", "-F", "-m0", str(image)], capture_output=True, text=True)
            if made.returncode != 0:
                raise Skipped(f"no ext4: {made.stderr.strip()}")
            try:
                mount("-o", "loop", image, self.path)
            except Skipped:
                self.kind = "tmpfs"
        if self.kind == "tmpfs":
            mount("-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", self.path)
        turn.at_end(lambda: subprocess.run(["umount", "-l", str(self.path)], capture_output=True))

    @property
    def free(self):
        figures = os.statvfs(self.path)
        return figures.f_bavail * figures.f_frsize

    @property
    def size(self):
        figures = os.statvfs(self.path)
        return figures.f_blocks * figures.f_frsize

    def fill(self):
        """Takes every byte that is left."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def empty(self):
        self.ballast.unlink()

    def remount(self, how):
        mount("-o", f"remount,{how}", self.path)
