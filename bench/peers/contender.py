"""A contender: a process that waits at a pipe, so that only one works at a time, and the gate that it
must pass before any number of it counts."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np

FIRST = 50  # steps whose losses must agree one by one, and the weights after them


def mkl_shim(folder):
    """MKL takes slower kernels on CPUs of other makers; this library answers its question with yes.
    None where there is no C compiler."""
    library = pathlib.Path(folder, "mkl_intel.so")
    compiler = shutil.which("cc")
    if not library.exists() and compiler:
        subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)],
                       input="int mkl_serv_intel_cpu_true(void) { return 1; }", text=True, check=True)
    return library if library.exists() else None


class Contender:
    def __init__(self, kind, threads, folder, command):
        self.kind, self.threads, self.times, self.why = kind, threads, [], ""
        env = dict(os.environ)
        for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            env[key] = str(threads)
        if kind == "torch-mkl-intel":
            shim = mkl_shim(folder)
            if shim is None:
                self.why = "no C compiler for its shim"
                return
            env.update(LD_PRELOAD=str(shim), MKL_ENABLE_INSTRUCTIONS="AVX512")
        cpus = sorted(os.sched_getaffinity(0))[:threads]
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=env,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        if self.process.stdout.readline().strip() != "ready":
            self.why = "did not start"
        self.start_seconds = time.perf_counter() - start

    @classmethod
    def of_bench(cls, kind, bench, mode, name, threads, folder):
        return cls(kind, threads, folder, [
            bench, "worker", "--net", name, "--threads", str(threads), "--mode", mode,
            "--files", str(folder)])

    @classmethod
    def of_gradus(cls, bench, mode, *net):
        return cls.of_bench("gradus-" + mode, bench, mode, *net)

    @classmethod
    def of_libxsmm(cls, bench, *net):
        return cls.of_bench("libxsmm", bench, "libxsmm", *net)

    @classmethod
    def of_python(cls, kind, name, threads, folder):
        worker = str(pathlib.Path(__file__).with_name("worker.py"))
        return cls(kind, threads, folder, [sys.executable, worker, kind, name, str(threads), str(folder)])

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return [float(v) for v in self.process.stdout.readline().split()]

    def close(self):
        if not hasattr(self, "process"):
            return
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    @property
    def name(self):
        return f"{self.kind} {self.threads}"


def reference_run(net, steps):
    """Losses of the first steps, the mean of all, and the weights after the first, of a NumpyNet."""
    first = min(FIRST, steps)
    losses, params = net.gate(first)
    flat = np.concatenate([p.ravel() for p in params])
    return losses, sum(net.gate(steps)[0]) / steps, flat


def pass_gate(contender, steps, folder, reference):
    """Its losses of the first steps and the weights after them, and the mean of all losses, against f64.
    What does not fit stands in contender.why. (Weights are not compared later: within an epoch a
    rounding decides somewhere whether a rectifier is open, and equally good runs part by some percent.)"""
    out = pathlib.Path(folder, "after.f32")

    def run(count):
        try:
            return contender.ask(f"gate {count} {out}"), out.read_bytes()
        except (BrokenPipeError, ValueError):
            return [], b""

    first = min(FIRST, steps)
    got, weights = run(first)
    all_losses, after = run(steps)
    if len(got) != first or len(all_losses) != steps:
        contender.why = "gave no losses"
        return
    losses, mean_loss, flat = reference
    contender.apart = max(abs(a - b) for a, b in zip(got, losses))
    contender.mean_apart = abs(sum(all_losses) / steps - mean_loss)
    contender.digest = hashlib.sha256(after).hexdigest()
    own = np.frombuffer(weights, np.float32).astype(np.float64)
    contender.norm = float(np.linalg.norm(own - flat) / np.linalg.norm(flat))
    if not (contender.apart <= 1e-5 and contender.mean_apart <= 1e-3 and contender.norm <= 1e-4):
        contender.why = (f"gate: losses apart by {contender.apart:.1e}, their mean by "
                         f"{contender.mean_apart:.1e}, weights by {contender.norm:.1e}")
