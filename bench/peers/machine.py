"""The machine between the rounds: its peak, and what neighbours take of it."""
import os
import pathlib

CALM = 0.03  # a round whose peak is further off the best is thrown away


def steal_ticks():
    """Clock ticks in which the hypervisor ran somebody else, since the start."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        if line.startswith("cpu "):
            return int(line.split()[8])
    return 0


class Rounds:
    """Which rounds count: those in which the probe read the best peak, within 3 %."""

    def __init__(self, probe, threads):
        self.probe, self.threads, self.peaks, self.loads = probe, threads, [], []
        self.start = steal_ticks()

    def read(self):
        return [self.probe.ask(f"peak {n}")[0] for n in self.threads]

    def close_round(self, before):
        after = self.read()
        self.peaks.append([min(a, b) for a, b in zip(before, after)])
        self.loads.append(os.getloadavg()[0])

    def best(self):
        return [max(p) for p in zip(*self.peaks)]

    def calm(self):
        """The rounds that count; all of them where fewer than three were calm."""
        best = self.best()
        kept = [i for i, p in enumerate(self.peaks)
                if all(v >= (1 - CALM) * b for v, b in zip(p, best))]
        return (kept, True) if len(kept) >= 3 else (list(range(len(self.peaks))), False)

    def words(self):
        kept, calm = self.calm()
        peak = ", ".join(f"{1e-9 * b:.0f} GFLOP/s with {n}" for b, n in zip(self.best(), self.threads))
        how = (f"{len(kept)} of {len(self.peaks)} rounds were calm and count" if calm else
               f"NONE of {len(self.peaks)} rounds set apart: fewer than 3 were calm")
        return (f"{how}; peak {peak} thread(s); load {min(self.loads):.1f}..{max(self.loads):.1f}, "
                f"steal {steal_ticks() - self.start} ticks")
