"""The step in NumPy; in f64 it is what every contender's losses are compared with."""
import time

import numpy as np

from nets import NETS, Cursor, images, weights
from clock import ns_of


class NumpyNet:
    """The step written out, with buffers that are made once for each size of a batch."""

    def __init__(self, name, folder, dtype="float32"):
        self.name, self.folder, self.dtype = name, folder, dtype
        self.x, self.y, self.order = images(folder, dtype)
        self.reset()

    def reset(self):
        self.p = [p.astype(self.dtype) for p in weights(self.folder, self.name)]
        self.grads = [np.empty_like(p) for p in self.p]
        self.cursor = Cursor(self.order, NETS[self.name]["batch"])
        self.buffers = {}

    def step(self):
        p, lr = self.p, self.dtype_(NETS[self.name]["lr"])
        index = self.cursor.next()
        n, layers = len(index), len(p) // 2
        if n not in self.buffers:
            widths = NETS[self.name]["widths"]
            self.buffers[n] = ([np.empty((n, w), self.dtype) for w in widths],
                               [np.empty((n, w), self.dtype) for w in widths])
        a, g = self.buffers[n]
        np.take(self.x, index, axis=0, out=a[0])
        labels, rows = self.y[index], np.arange(n)
        for i in range(layers):
            np.matmul(a[i], p[2 * i].T, out=a[i + 1])
            a[i + 1] += p[2 * i + 1]
            if i + 1 < layers:
                np.maximum(a[i + 1], 0, out=a[i + 1])
        z = a[layers]
        z -= z.max(axis=1, keepdims=True)
        picked = z[rows, labels]
        np.exp(z, out=z)
        total = z.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - picked).mean())
        np.divide(z, total, out=g[layers])
        g[layers][rows, labels] -= 1
        g[layers] /= n
        for i in reversed(range(layers)):
            np.matmul(g[i + 1].T, a[i], out=self.grads[2 * i])
            np.sum(g[i + 1], axis=0, out=self.grads[2 * i + 1])
            if i > 0:
                np.matmul(g[i + 1], p[2 * i], out=g[i])
                g[i] *= a[i] > 0
        for q, d in zip(p, self.grads):
            d *= lr
            q -= d
        return loss

    def dtype_(self, value):
        return np.dtype(self.dtype).type(value)

    def gate(self, steps):
        self.reset()
        return [self.step() for _ in range(steps)], self.p

    def time(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        return time.perf_counter() - start

    def op(self):
        a, b = np.ones(1, "float32"), np.ones(1, "float32")
        return ns_of(lambda: a + b), float("nan")
