"""The step in JAX: a loop of steps compiled as one (its best), or one step at a time."""
import os
import time

from nets import NETS, Cursor, images, weights
from clock import ns_of


class JaxNet:
    """Weights are donated. With `scan` the full batches of an epoch are one compiled loop."""

    def __init__(self, name, folder, scan, threads):
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        if threads == 1:
            os.environ["XLA_FLAGS"] = flags
        import jax
        import jax.numpy as jnp
        import numpy as np

        self.jax, self.jnp, self.np, self.name, self.folder = jax, jnp, np, name, folder
        self.scan = scan
        x, y, order = images(folder)
        self.x, self.y, self.order = jnp.asarray(x), jnp.asarray(y.astype(np.int32)), order
        lr = NETS[name]["lr"]

        def loss_of(p, x, y):
            h = x
            for i in range(0, len(p), 2):
                h = h @ p[i].T + p[i + 1]
                h = jax.nn.relu(h) if i + 2 < len(p) else h
            h = jax.nn.log_softmax(h)
            return -jnp.take_along_axis(h, y[:, None], axis=1).mean()

        def step(p, x, y, index):
            loss, g = jax.value_and_grad(loss_of)(p, x[index], y[index])
            return [a - lr * b for a, b in zip(p, g)], loss

        def loop(p, x, y, indices):
            return jax.lax.scan(lambda q, index: step(q, x, y, index), p, indices)

        self.many = jax.jit(loop, donate_argnums=0)
        self.one = jax.jit(step, donate_argnums=0)
        self.reset()

    def reset(self):
        self.p = [self.jnp.asarray(p) for p in weights(self.folder, self.name)]
        self.cursor = Cursor(self.order, NETS[self.name]["batch"])

    def run(self, steps):
        """Full batches in one scan, the last of an epoch by itself."""
        losses, rows = [], []

        def flush():
            if rows:
                self.p, loss = self.many(self.p, self.x, self.y, self.jnp.asarray(self.np.stack(rows)))
                losses.append(loss)
                rows.clear()

        for _ in range(steps):
            index = self.cursor.next().astype(self.np.int32)
            if self.scan and len(index) == self.cursor.batch:
                rows.append(index)
                continue
            flush()
            self.p, loss = self.one(self.p, self.x, self.y, self.jnp.asarray(index))
            losses.append(loss[None])
        flush()
        return [float(v) for part in losses for v in self.np.asarray(part)]

    def gate(self, steps):
        self.reset()
        return self.run(steps), [self.np.asarray(p) for p in self.p]

    def time(self, steps):
        start = time.perf_counter()
        self.run(steps)
        return time.perf_counter() - start

    def op(self):
        a, b = self.jnp.ones(1), self.jnp.ones(1)
        return ns_of(lambda: (a + b).block_until_ready()), float("nan")
