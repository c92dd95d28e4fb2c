#!/usr/bin/env python3
"""gradus beside PyTorch, JAX and NumPy: the same training steps in one sitting, in turns.

Every contender is a process of its own that waits at a pipe, so that only one works at a time. Each
must pass the gate first: from the same weights, on the same images in the same order, its losses of
the first steps must be those of a run in f64. Then rounds A B C ... A B C ...; what is reported is the
median of the ratios of the rounds, with the range between the 1st and the 9th decile.

`./dev bench --peers` calls this; `peers.py --worker NAME ...` is the other end of the pipe.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

NETS = {  # as bench/nets.cpp has them
    "i": dict(widths=[784, 50, 10], batch=64, lr=0.5, gate=50, steps=782),
    "ii": dict(widths=[784, 512, 512, 10], batch=128, lr=0.1, gate=50, steps=60),
    "iii": dict(widths=[784, 4096, 4096, 4096, 10], batch=1024, lr=0.05, gate=3, steps=1),
}
SAMPLES = 50000
PEERS = ["torch-eager", "torch-fused", "torch-compile", "jax-scan", "numpy"]
PACKAGES = ["numpy", "torch", "jax"]


def flop(net):
    w = net["widths"]
    return net["batch"] * sum((4 if i == 0 else 6) * w[i] * w[i + 1] for i in range(len(w) - 1))


# The other end of the pipe ---------------------------------------------------------------------


def weights(folder, name):
    import numpy as np

    w = NETS[name]["widths"]
    out = []
    for i in range(len(w) - 1):
        out.append(np.fromfile(f"{folder}/{name}-{2 * i}.f32", np.float32).reshape(w[i + 1], w[i]))
        out.append(np.fromfile(f"{folder}/{name}-{2 * i + 1}.f32", np.float32))
    return out


def images(folder, dtype="float32"):
    import numpy as np

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


class NumpyNet:
    """The step written out, with buffers that are made once for each size of a batch."""

    def __init__(self, name, folder, dtype="float32"):
        import numpy as np

        self.np, self.name, self.folder, self.dtype = np, name, folder, dtype
        self.x, self.y, self.order = images(folder, dtype)
        self.reset()

    def reset(self):
        self.p = [p.astype(self.dtype) for p in weights(self.folder, self.name)]
        self.grads = [self.np.empty_like(p) for p in self.p]
        self.cursor = Cursor(self.order, NETS[self.name]["batch"])
        self.buffers = {}

    def step(self):
        np, p, lr = self.np, self.p, self.dtype_(NETS[self.name]["lr"])
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
        return self.np.dtype(self.dtype).type(value)

    def gate(self, steps):
        self.reset()
        return [self.step() for _ in range(steps)], self.p

    def time(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        return time.perf_counter() - start

    def op(self):
        a, b = self.np.ones(1, "float32"), self.np.ones(1, "float32")
        return ns_of(lambda: a + b), float("nan")


class TorchNet:
    def __init__(self, name, folder, how, threads):
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.set_flush_denormal(True)
        self.torch, self.name, self.folder, self.how = torch, name, folder, how
        x, y, order = images(folder)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.order = torch.from_numpy(order)
        self.reset()

    def reset(self):
        torch, net = self.torch, NETS[self.name]
        widths, layers = net["widths"], []
        for i in range(len(widths) - 1):
            layers += [torch.nn.Linear(widths[i], widths[i + 1])]
            layers += [torch.nn.ReLU()] if i + 2 < len(widths) else []
        self.net = torch.nn.Sequential(*layers)
        with torch.no_grad():
            for p, v in zip(self.net.parameters(), weights(self.folder, self.name)):
                p.copy_(torch.from_numpy(v))
        self.p = list(self.net.parameters())
        self.cursor = Cursor(self.order, net["batch"])
        loss_of, lr, model, p = torch.nn.functional.cross_entropy, net["lr"], self.net, self.p
        if self.how == "fused":
            sgd = torch.optim.SGD(p, lr=lr, fused=True)

            def step(x, y):
                loss = loss_of(model(x), y)
                loss.backward()
                sgd.step()
                sgd.zero_grad()
                return loss.detach()

        elif self.how == "eager":

            def step(x, y):
                loss = loss_of(model(x), y)
                loss.backward()
                with torch.no_grad():
                    for q in p:
                        q -= lr * q.grad
                        q.grad = None
                return loss.detach()

        else:
            # The whole step is one graph: gradients by functional autograd, updates in place.
            def whole(x, y, *q):
                h = x
                for i in range(0, len(q), 2):
                    h = torch.nn.functional.linear(h, q[i], q[i + 1])
                    h = torch.relu(h) if i + 2 < len(q) else h
                return loss_of(h, y)

            value = torch.func.grad_and_value(whole, argnums=tuple(range(2, 2 + len(p))))

            @torch.compile(dynamic=False)
            def compiled(x, y, q):
                grads, loss = value(x, y, *q)
                for one, g in zip(q, grads):
                    one.sub_(lr * g)
                return loss

            detached = [q.detach() for q in p]

            def step(x, y):
                with torch.no_grad():
                    return compiled(x, y, detached)

        self.train = step

    def step(self):
        index = self.cursor.next()
        return self.train(self.x[index], self.y[index])

    def gate(self, steps):
        self.reset()
        return [float(self.step()) for _ in range(steps)], [q.detach().numpy() for q in self.p]

    def time(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            last = self.step()
        float(last)
        return time.perf_counter() - start

    def op(self):
        torch = self.torch
        a, b, p = torch.ones(1), torch.ones(1), torch.ones(1, requires_grad=True)
        return ns_of(lambda: a + b), ns_of(lambda: p + b)


class JaxNet:
    """The whole run of steps in one compiled loop, weights donated."""

    def __init__(self, name, folder, threads):
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        if threads == 1:
            os.environ["XLA_FLAGS"] = flags
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:threads])
        import jax
        import jax.numpy as jnp
        import numpy as np

        self.jax, self.jnp, self.np, self.name, self.folder = jax, jnp, np, name, folder
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

        def scan(p, x, y, indices):
            return jax.lax.scan(lambda q, index: step(q, x, y, index), p, indices)

        self.many = jax.jit(scan, donate_argnums=0)
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
            if len(index) == self.cursor.batch:
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


def ns_of(f):
    best, calls = 1e9, 2000
    for _ in range(5):
        start = time.perf_counter_ns()
        for _ in range(calls):
            f()
        best = min(best, (time.perf_counter_ns() - start) / calls)
    return best


def worker(kind, name, threads, folder):
    import numpy as np

    kinds = {
        "torch-eager": lambda: TorchNet(name, folder, "eager", threads),
        "torch-fused": lambda: TorchNet(name, folder, "fused", threads),
        "torch-compile": lambda: TorchNet(name, folder, "compile", threads),
        "jax-scan": lambda: JaxNet(name, folder, threads),
        "numpy": lambda: NumpyNet(name, folder),
    }
    net = kinds[kind]()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "gate":
            losses, p = net.gate(int(words[1]))
            with open(words[2], "wb") as out:
                for q in p:
                    out.write(np.ascontiguousarray(q).tobytes())
            print(*[repr(v) for v in losses], flush=True)
        elif words[0] == "time":
            print(net.time(int(words[1])), flush=True)
        elif words[0] == "op":
            print(*net.op(), flush=True)


def cold(folder, data, out):
    """Read the IDX files, train three epochs of net (i), validate, save: with PyTorch, eager."""
    import gzip
    import struct
    import torch

    def idx(name):
        path = pathlib.Path(data, name)
        raw = path.read_bytes() if path.exists() else gzip.open(str(path) + ".gz").read()
        sizes = struct.unpack(f">{raw[3]}I", raw[4 : 4 + 4 * raw[3]])
        return torch.frombuffer(bytearray(raw[4 + 4 * raw[3] :]), dtype=torch.uint8).reshape(sizes)

    x = idx("train-images-idx3-ubyte").reshape(-1, 784).float() / 255
    y = idx("train-labels-idx1-ubyte").long()
    net = torch.nn.Sequential(torch.nn.Linear(784, 50), torch.nn.ReLU(), torch.nn.Linear(50, 10))
    sgd = torch.optim.SGD(net.parameters(), lr=0.5, fused=True)
    for _ in range(3):
        order = torch.randperm(SAMPLES)
        for at in range(0, SAMPLES, 64):
            index = order[at : at + 64]
            torch.nn.functional.cross_entropy(net(x[index]), y[index]).backward()
            sgd.step()
            sgd.zero_grad()
    with torch.no_grad():
        print(float((net(x[SAMPLES:]).argmax(1) == y[SAMPLES:]).float().mean()))
    torch.save(net.state_dict(), out)


# The orchestra ---------------------------------------------------------------------------------


class Contender:
    def __init__(self, kind, threads, command):
        self.kind, self.threads, self.times, self.why = kind, threads, [], ""
        env = dict(os.environ)
        for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            env[key] = str(threads)
        start = time.perf_counter()
        self.errors = open(os.devnull, "w")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, env=env)
        self.ready = self.process.stdout.readline().strip() == "ready"
        self.start_seconds = time.perf_counter() - start
        if not self.ready:
            self.why = "did not start"

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return [float(v) for v in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    @property
    def name(self):
        return f"{self.kind} {self.threads}"


def passes_gate(contender, net, name, folder, reference):
    import numpy as np

    losses, params = reference
    out = f"{folder}/after.f32"
    try:
        got = contender.ask(f"gate {net['gate']} {out}")
    except (BrokenPipeError, ValueError):
        got = []
    if len(got) != len(losses):
        contender.why = "gave no losses"
        return False
    contender.apart = max(abs(a - b) for a, b in zip(got, losses))
    flat = np.concatenate([p.ravel() for p in params])
    own = np.fromfile(out, np.float32).astype(np.float64)
    contender.norm = float(np.linalg.norm(own - flat) / np.linalg.norm(flat))
    if not contender.apart <= 1e-5 or not contender.norm <= 1e-2:
        contender.why = f"gate: losses apart by {contender.apart:.1e}, weights by {contender.norm:.1e}"
    return not contender.why


def deciles(values):
    v = sorted(values)
    at = lambda q: v[min(len(v) - 1, int(q * (len(v) - 1) + 0.5))]
    return at(0.1), at(0.9)


def prepare(folder, data):
    """Images, labels, one order and one set of weights for all. Written once."""
    import gzip

    import numpy as np

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


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(row, widths))))
    print(flush=True)


def measure(name, options, folder):
    net = NETS[name]
    reference = NumpyNet(name, folder, "float64").gate(net["gate"])
    contenders = []
    for threads in options.threads:
        for mode in ("compiled", "dense", "eager"):
            contenders.append(Contender("gradus-" + mode, threads, [
                options.bench, "worker", "--net", name, "--threads", str(threads), "--mode", mode,
                "--files", str(folder)]))
        for kind in options.only:
            contenders.append(Contender(kind, threads, [
                sys.executable, __file__, "--worker", kind, name, str(threads), str(folder)]))
    for c in contenders:
        if c.ready:
            passes_gate(c, net, name, folder, reference)
    able = [c for c in contenders if not c.why]
    for c in able:
        start = time.perf_counter()
        c.ask(f"time {net['steps']}")  # compiles, touches pages, finds its speed
        c.warm_seconds = time.perf_counter() - start
    rounds = options.rounds if name != "iii" else max(3, options.rounds // 2)
    loads = []
    for number in range(rounds):
        for c in able:
            if sys.stderr.isatty():
                print(f"\r({name}) round {number + 1} of {rounds}: {c.name}      ", end="",
                      file=sys.stderr)
            c.times.append(c.ask(f"time {net['steps']}")[0] / net["steps"])
        loads.append(os.getloadavg()[0])
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    ops = {c.name: c.ask("op") for c in able if c.threads == 1} if name == "i" else {}
    for c in contenders:
        c.close()

    # A peer is judged by its better number of threads; so is gradus.
    def best_of(kind):
        ours = [c for c in able if c.kind == kind]
        return min(ours, key=lambda c: statistics.median(c.times)) if ours else None

    own = best_of("gradus-compiled")
    rows = [["", "threads", "us/step", "median us", "GFLOP/s", "s/epoch", "gate: losses",
             "gradus compiled is"]]
    result = []
    for c in contenders:
        if c.why:
            rows.append([c.kind, str(c.threads), "-", "-", "-", "-", c.why, "-"])
            result.append(dict(contender=c.kind, threads=c.threads, failed=c.why))
            continue
        least = min(c.times)
        ratios = [a / b for a, b in zip(c.times, own.times)] if own else []
        low, high = deciles(ratios) if ratios else (0, 0)
        middle = statistics.median(ratios) if ratios else 0
        words = "" if c is own else f"{middle:.2f} x  ({low:.2f}..{high:.2f})"
        if c is not own and middle < 1:
            words += "  LOSES"
        steps = -(-SAMPLES // net["batch"])
        rows.append([c.kind, str(c.threads), f"{1e6 * least:.1f}",
                     f"{1e6 * statistics.median(c.times):.1f}", f"{flop(net) / least * 1e-9:.1f}",
                     f"{least * steps:.3f}", f"{c.apart:.0e}", words])
        result.append(dict(contender=c.kind, threads=c.threads, us=1e6 * least,
                           median_us=1e6 * statistics.median(c.times), seconds=c.times,
                           first_seconds=c.warm_seconds, start_seconds=c.start_seconds,
                           gate_losses=c.apart, gate_weights=c.norm, ratio=middle,
                           ratio_range=[low, high]))
    shape = "-".join(map(str, net["widths"]))
    print(f"({name}) {shape}, batch {net['batch']}: {rounds} rounds of {net['steps']} steps, load "
          f"{min(loads):.1f}..{max(loads):.1f}; ratios to gradus compiled at {own.threads if own else '?'} "
          f"thread(s), median of the rounds (1st..9th decile)")
    table(rows)
    out = dict(net=name, rounds=rounds, contenders=result, load=[min(loads), max(loads)])
    if ops:
        rows = [["one element, a + b", "ns", "recorded ns"]]
        for key, values in ops.items():
            if key.startswith(("gradus-eager", "torch-eager", "numpy", "jax")):
                rows.append([key.rsplit(" ", 1)[0], *(f"{v:.0f}" if v == v else "-" for v in values)])
        table(rows)
        out["operations"] = ops
    return out


def measure_cold(options, folder):
    """Whole processes, in turns."""
    threads = str(max(options.threads))
    env = dict(os.environ, OMP_NUM_THREADS=threads)
    commands = {
        "gradus": [options.gradus, "train", "--data", options.data, "--epochs", "3", "--scale",
                   "255", "--threads", threads, "--quiet", "--out", str(folder / "m.safetensors")],
        "python + torch": [sys.executable, __file__, "--cold", str(folder), options.data,
                           str(folder / "m.pt")],
    }
    times = {name: [] for name in commands}
    for _ in range(max(3, options.rounds // 2)):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
            times[name].append(time.perf_counter() - start)
    rows = [["whole process, 3 epochs of (i)", "ms", "median ms", "gradus is"]]
    for name, values in times.items():
        ratios = [a / b for a, b in zip(values, times["gradus"])]
        low, high = deciles(ratios)
        rows.append([name, f"{1e3 * min(values):.0f}", f"{1e3 * statistics.median(values):.0f}",
                     "" if name == "gradus" else
                     f"{statistics.median(ratios):.1f} x  ({low:.1f}..{high:.1f})"])
    table(rows)
    return times


def environment(folder):
    """A Python of our own with what PyPI has; made once."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        print(f"making {python.parents[1]} with {', '.join(PACKAGES)} (some GB, once)",
              file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        try:
            subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(folder / "venv")
            raise SystemExit("peers: pip could not install them; --python FILE names a Python that "
                             "has numpy, torch, jax")
    return python


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--worker":
        return worker(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    if len(sys.argv) > 1 and sys.argv[1] == "--cold":
        return cold(*sys.argv[2:5])
    parser = argparse.ArgumentParser(prog="dev bench --peers", description=__doc__.split("\n")[0])
    parser.add_argument("--bench", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--gradus", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--python", help="an interpreter that has numpy, torch and jax already")
    parser.add_argument("--nets", default="i,ii,iii")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--only", default=",".join(PEERS), help="peers, of " + ",".join(PEERS))
    parser.add_argument("--data", help="MNIST; $GRADUS_DATA/mnist where it is there")
    parser.add_argument("--json", help="where everything goes (build/peers.json)")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    python = options.python or str(environment(folder))
    if os.path.abspath(python) != os.path.abspath(sys.executable):
        os.execv(python, [python, __file__, *sys.argv[1:], "--python", python])

    if options.data is None and "GRADUS_DATA" in os.environ:
        for one in (pathlib.Path(os.environ["GRADUS_DATA"], "mnist"), os.environ["GRADUS_DATA"]):
            if list(pathlib.Path(one).glob("train-images-idx3-ubyte*")):
                options.data = str(one)
                break
    options.threads = [int(t) for t in options.threads.split(",") if int(t) <= os.cpu_count()]
    options.only = [k for k in options.only.split(",") if k]
    for kind in options.only:
        if kind not in PEERS:
            parser.error(f"no peer {kind}; there are {', '.join(PEERS)}")
    prepare(folder, options.data)
    import numpy

    versions = {"python": platform.python_version(), "numpy": numpy.__version__}
    for package in ("torch", "jax"):
        try:
            versions[package] = __import__(package).__version__
        except ImportError:
            options.only = [k for k in options.only if not k.startswith(package)]
            print(f"peers: no {package} here; left out", file=sys.stderr)
    cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line][0]
    print(f"{cpu}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, "
          + ", ".join(f"{k} {v}" for k, v in versions.items()) + "\n", flush=True)
    out = dict(versions=versions, cpu=cpu, date=time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
               nets=[measure(name, options, folder) for name in options.nets.split(",")])
    if options.data and "torch" in versions:
        out["cold"] = measure_cold(options, folder)
    target = options.json or str(folder.parent / "peers.json")
    pathlib.Path(target).write_text(json.dumps(out, indent=1))
    print("written: " + target)


if __name__ == "__main__":
    main()
