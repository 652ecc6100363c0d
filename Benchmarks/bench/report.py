"""Figures as the tables of a report."""

import os
import pathlib
import platform
import statistics


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values):
    return (f"{figure(statistics.median(values))} "
            f"({figure(min(values))} … {figure(max(values))})")


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def milliseconds(times):
    """p50 and p99 in one cell."""
    return " / ".join(f"{1e3 * quantile(times, q):.2f}" for q in (0.5, 0.99))


def grid(title, header, rows):
    """A table of cells; the first column is words, the others are figures."""
    lines = [title, "", "| " + " | ".join(header) + " |",
             "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


class Table:
    """One figure beside its floor over all rounds."""

    def __init__(self, title, unit, floor, goal=None, less_is_better=False):
        self.title, self.unit, self.floor = title, unit, floor
        self.goal, self.less_is_better = goal, less_is_better
        self.ours, self.floors, self.notes = [], [], {}

    def add(self, ours, floor):
        self.ours.append(ours)
        self.floors.append(floor)

    def note(self, **values):
        for name, value in values.items():
            self.notes.setdefault(name, []).append(value)

    def __str__(self):
        ratios = [o / f for o, f in zip(self.ours, self.floors)]
        bound = "at most" if self.less_is_better else "at least"
        goal = f", goal {bound} {self.goal}" if self.goal else ""
        rows = [[f"Quipu, {self.unit}", spread(self.ours)],
                [f"floor: {self.floor}", spread(self.floors)],
                [f"ratio{goal}", spread(ratios)]]
        rows += [[name.replace("_", " "), spread(values)] for name, values in self.notes.items()]
        return grid(self.title, ["", "median (least … most)"], rows)


def machine():
    model = next((l.partition(":")[2].strip() for l in open("/proc/cpuinfo")
                  if l.startswith("model name")), platform.machine())
    queue = pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").read_text().strip()
    return (f"{os.cpu_count()} × {model}, Linux {platform.release()}, "
            f"max_dgram_qlen {queue}, load {os.getloadavg()[0]:.1f}")
