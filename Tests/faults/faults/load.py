"""Lines and counts that keep coming while a row does something else, and short questions."""

import threading

from .rig import Writer, send


class Load:
    """Writes some lines every few milliseconds, from a thread, as long as it is entered."""

    def __init__(self, rig, writer=None, lines=5, seconds=0.02):
        self.writer = writer or Writer(rig)
        self.lines, self.seconds = lines, seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._ending.wait(self.seconds):
            self.writer.write(self.lines)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    @property
    def next(self):
        return self.writer.next

    @property
    def written(self):
        return self.writer.written


def mode(rig):
    return rig.ask("health")["mode"]


def problems(rig):
    return "; ".join(rig.ask("health")["problems"])


def send_counts(rig, count, name="faults.counted"):
    """So many counts of one, each in a datagram."""
    send(rig.run / "metrics.sock", *[f"{name}:1|c".encode()] * count)


def counted(rig, name="faults.counted"):
    """What came of them."""
    reply = rig.ask_patiently("metrics.query", metric=name, aggregate=["sum"], since="2h", step="1h")
    return sum(value for series in reply["series"] for _, value in series["points"]["sum"] if value)
