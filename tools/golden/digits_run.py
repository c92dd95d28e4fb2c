# The run of `gradus train` without options, in NumPy and f64: the numbers of
# LessonRun.DigitsGiveTheNumbersOfAnotherProgram. digits_run.py FOLDER, which holds data::digits() as IDX files of
# u8 (io::write_idx): train-images, train-labels, and the same for valid and test.
import sys

import numpy as np


def idx(path):
    b = open(path, "rb").read()
    shape = [int.from_bytes(b[4 + 4 * i : 8 + 4 * i], "big") for i in range(b[3])]
    return np.frombuffer(b[4 + 4 * b[3] :], np.uint8).reshape(shape)


class Engine:
    """PyTorch's MT19937, seeded with the low 32 bits."""

    def __init__(self, seed): self.bits = np.random.RandomState(seed & 0xFFFFFFFF)._bit_generator
    def draws(self, n): return self.bits.random_raw(n).astype(np.uint64)
    def draw64(self): return int.from_bytes(b"".join(int(d).to_bytes(4, "big") for d in self.draws(2)), "big")

    def uniform(self, shape, bound):
        u = (self.draws(int(np.prod(shape))) & np.uint64(2**24 - 1)) * 2.0**-24
        low, high = np.float32(-bound), np.float32(bound)
        return (u * float(high - low) + float(low)).astype(np.float32).astype(float).reshape(shape)


parts = {p: (idx(f"{sys.argv[1]}/{p}-images").reshape(-1, 784) / 256, idx(f"{sys.argv[1]}/{p}-labels").astype(int)) for p in ("train", "valid", "test")}
engine = Engine(1)
w1, b1 = engine.uniform((50, 784), 784**-0.5), engine.uniform((50,), 784**-0.5)
w2, b2 = engine.uniform((10, 50), 50**-0.5), engine.uniform((10,), 50**-0.5)


def log_sum(z):
    m = z.max(1, keepdims=True)
    return m + np.log(np.exp(z - m).sum(1, keepdims=True))


def loss_of(z, y): return (log_sum(z)[:, 0] - z[np.arange(len(y)), y]).mean()


def evaluate(part):
    x, y = parts[part]
    z = np.maximum(x @ w1.T + b1, 0) @ w2.T + b2
    return loss_of(z, y), (z.argmax(1) == y).mean()


x, y = parts["train"]
n = len(y)
for epoch in range(3):
    engine.draw64()  # the pass's base seed
    shuffler, order = Engine(engine.draw64() & (2**63 - 1)), np.arange(n)
    for i, d in enumerate(shuffler.draws(n - 1)):
        j = i + int(d) % (n - i)
        order[i], order[j] = order[j], order[i]
    losses = []
    for k in range(0, n, 64):
        xb, yb = x[order[k : k + 64]], y[order[k : k + 64]]
        a = xb @ w1.T + b1
        h = np.maximum(a, 0)
        z = h @ w2.T + b2
        losses.append((loss_of(z, yb), len(yb)))
        g = np.exp(z - log_sum(z))
        g[np.arange(len(yb)), yb] -= 1
        g /= len(yb)
        gh = (g @ w2) * (a > 0)
        w2 -= 0.5 * (g.T @ h)
        b2 -= 0.5 * g.sum(0)
        w1 -= 0.5 * (gh.T @ xb)
        b1 -= 0.5 * gh.sum(0)
    engine.draw64()  # the base seed of the pass over valid
    print(epoch + 1, losses[0][0], sum(l * c for l, c in losses) / n, *evaluate("valid"))
print("test", *evaluate("test"))
