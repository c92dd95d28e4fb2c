"""The nets, their images and their first weights, the same for every contender."""
import pathlib

import numpy as np

NETS = {  # as bench/nets.cpp has them
    "i": dict(widths=[784, 50, 10], batch=64, lr=0.5, gate=782, steps=782),
    "ii": dict(widths=[784, 512, 512, 10], batch=128, lr=0.1, gate=391, steps=60),
    "iii": dict(widths=[784, 4096, 4096, 4096, 10], batch=1024, lr=0.05, gate=3, steps=1),
}
SAMPLES = 50000


def flop(net):
    w = net["widths"]
    return net["batch"] * sum((4 if i == 0 else 6) * w[i] * w[i + 1] for i in range(len(w) - 1))


def steps_of_epoch(net):
    return -(-SAMPLES // net["batch"])


def weights(folder, name):
    w = NETS[name]["widths"]
    out = []
    for i in range(len(w) - 1):
        out.append(np.fromfile(f"{folder}/{name}-{2 * i}.f32", np.float32).reshape(w[i + 1], w[i]))
        out.append(np.fromfile(f"{folder}/{name}-{2 * i + 1}.f32", np.float32))
    return out


def images(folder, dtype="float32"):
    x = np.fromfile(f"{folder}/x.u8", np.uint8).reshape(SAMPLES, 784)
    x = (x.astype(np.float32) / np.float32(255)).astype(dtype)
    return x, np.fromfile(f"{folder}/y.i64", np.int64), np.fromfile(f"{folder}/order.i64", np.int64)


class Cursor:
    """Where the epoch is: the indices of the next batch, the last of an epoch being smaller."""

    def __init__(self, order, batch):
        self.order, self.batch, self.at = order, batch, 0

    def next(self):
        index = self.order[self.at : self.at + self.batch]
        self.at = (self.at + len(index)) % SAMPLES
        return index


def prepare(folder, data):
    """Images, labels, one order and one set of weights for all. Written once."""
    import gzip

    def idx(name, skip):
        path = pathlib.Path(data, name)
        raw = path.read_bytes() if path.exists() else gzip.open(str(path) + ".gz").read()
        return np.frombuffer(raw, np.uint8, offset=skip)

    random = np.random.default_rng(1)
    if data:
        x = idx("train-images-idx3-ubyte", 16)[: SAMPLES * 784]
        y = idx("train-labels-idx1-ubyte", 8)[:SAMPLES]
    else:
        x = random.integers(0, 256, SAMPLES * 784).astype(np.uint8)
        x[random.random(x.size) < 0.81] = 0
        y = random.integers(0, 10, SAMPLES)
    x.tofile(folder / "x.u8")
    y.astype(np.int64).tofile(folder / "y.i64")
    random.permutation(SAMPLES).astype(np.int64).tofile(folder / "order.i64")
    for name, net in NETS.items():
        w = net["widths"]
        for i in range(len(w) - 1):
            bound = w[i] ** -0.5
            random.uniform(-bound, bound, (w[i + 1], w[i])).astype(np.float32).tofile(
                folder / f"{name}-{2 * i}.f32")
            random.uniform(-bound, bound, w[i + 1]).astype(np.float32).tofile(
                folder / f"{name}-{2 * i + 1}.f32")
