"""gradus beside PyTorch, JAX, libxsmm and NumPy: the same training steps in one sitting, in turns.

Every contender is a process of its own that waits at a pipe, so that only one works at a time. Each
must pass the gate first: from the same weights, on the same images in the same order, its losses must
be those of a run in f64. Then rounds A B C ... A B C ..., and the machine's peak between them; what is
reported is the median of the ratios of the calm rounds, with the range between the 1st and 9th decile.

`./dev bench --peers` calls this. From here: nets.py (what is trained), contender.py (processes and the
gate), machine.py (which rounds count), worker.py (the other end of the pipe).
"""
import argparse
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

GRADUS = ["compiled", "dense", "eager"]
PEERS = ["torch-eager", "torch-fused", "torch-foreach", "torch-mkl-intel", "torch-compile",
         "torch-compile-tuned", "torch-compile-cpp", "jax-step", "jax-scan", "libxsmm", "numpy"]
PACKAGES = ["numpy", "torch", "jax"]


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


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    print(flush=True)


def progress(words):
    if sys.stderr.isatty():
        print(f"\r{words:<60}", end="\r", file=sys.stderr, flush=True)


def ratio(times, ours, kept):
    """Median, 1st and 9th decile of the rounds' ratios: how many times as fast as `times` we are."""
    ratios = sorted(times[i] / ours[i] for i in kept)
    at = lambda q: ratios[int(q * (len(ratios) - 1) + 0.5)]
    return statistics.median(ratios), at(0.1), at(0.9)


def say(value):
    middle, low, high = value
    return f"{middle:.2f} ({low:.2f}..{high:.2f})" + ("  LOSES" if middle < 1 else "")


def check_own_bits(contenders):
    """gradus promises one result for any number of threads, eager, compiled, dense or not."""
    own = {c.name: c.digest for c in contenders if c.kind.startswith("gradus") and not c.why}
    if len(set(own.values())) > 1:
        raise SystemExit("peers: gradus gave different bits: " + json.dumps(own, indent=1))
    return len(own)


def measure(name, options, folder):
    from contender import Contender, pass_gate, reference_run
    from machine import Rounds
    from nets import NETS, flop, steps_of_epoch
    from numpy_net import NumpyNet

    net = NETS[name]
    progress(f"({name}) a run in f64")
    reference = reference_run(NumpyNet(name, folder, "float64"), net["gate"])
    contenders = []
    for threads in options.threads:
        contenders += [Contender.of_gradus(options.bench, mode, name, threads, folder)
                       for mode in GRADUS]
        contenders += [Contender.of_libxsmm(options.bench, name, threads, folder) if kind == "libxsmm"
                       else Contender.of_python(kind, name, threads, folder) for kind in options.only]
    for c in contenders:
        if not c.why:
            progress(f"({name}) gate: {c.name}")
            pass_gate(c, net["gate"], folder, reference)
    same = check_own_bits(contenders)
    able = [c for c in contenders if not c.why]
    for c in able:
        progress(f"({name}) warming up: {c.name}")
        start = time.perf_counter()
        c.ask(f"time {net['steps']}")  # compiles, touches pages, finds its speed
        c.warm_seconds = time.perf_counter() - start
    if not any(c.kind == "gradus-compiled" for c in able):
        raise SystemExit("peers: gradus did not pass the gate: " + contenders[0].why)
    probe = next(c for c in able if c.kind == "gradus-compiled" and c.threads == max(options.threads))
    rounds = Rounds(probe, options.threads)
    for number in range(options.rounds if name != "iii" else max(3, options.rounds // 2)):
        before = rounds.read()
        for c in able:
            progress(f"({name}) round {number + 1}: {c.name}")
            c.times.append(c.ask(f"time {net['steps']}")[0] / net["steps"])
        rounds.close_round(before)
    kept, _ = rounds.calm()
    ops = {c.name: c.ask("op") for c in able if c.threads == 1} if name == "i" else {}
    for c in contenders:
        c.close()
    progress("")

    def best_of(kind):
        """A contender is judged by its better number of threads; so is gradus."""
        ours = [c for c in able if c.kind == kind]
        return min(ours, key=lambda c: statistics.median(c.times[i] for i in kept)) if ours else None

    own = {mode: best_of("gradus-" + mode) for mode in GRADUS}
    rows = [["", "threads", "us/step", "median us", "GFLOP/s", "% of peak", "s/epoch", "gate: losses",
             *(f"gradus {mode} is" for mode in GRADUS)]]
    result, peak = [], dict(zip(options.threads, rounds.best()))
    for c in contenders:
        if c.why:
            rows.append([c.kind, str(c.threads), *"------", *([c.why] + [""] * (len(GRADUS) - 1))])
            result.append(dict(contender=c.kind, threads=c.threads, failed=c.why))
            continue
        times = [c.times[i] for i in kept]
        least, rate = min(times), flop(net) / min(times)
        ratios = {mode: ratio(c.times, o.times, kept) for mode, o in own.items() if o}
        rows.append([c.kind, str(c.threads), f"{1e6 * least:.1f}",
                     f"{1e6 * statistics.median(times):.1f}", f"{1e-9 * rate:.1f}",
                     f"{100 * rate / peak[c.threads]:.0f}", f"{least * steps_of_epoch(net):.3f}",
                     f"{c.apart:.0e}",
                     *("" if own[mode] in (None, c) else say(ratios[mode]) for mode in GRADUS)])
        result.append(dict(contender=c.kind, threads=c.threads, us=1e6 * least,
                           median_us=1e6 * statistics.median(times), seconds=c.times,
                           share_of_peak=rate / peak[c.threads], first_seconds=c.warm_seconds,
                           start_seconds=c.start_seconds, gate_losses=c.apart,
                           gate_mean_loss=c.mean_apart, gate_weights=c.norm, ratios=ratios))
    shape = "-".join(map(str, net["widths"]))
    print(f"({name}) {shape}, batch {net['batch']}, {net['steps']} steps a round. {rounds.words()}.")
    print(f"gradus is so many times as fast, median of the rounds (1st..9th decile), each at its better "
          f"number of threads.\nGate: {net['gate']} steps; the {same} runs of gradus gave equal bits.")
    table(rows)
    out = dict(net=name, contenders=result, rounds_that_count=kept, peaks=rounds.peaks,
               loads=rounds.loads)
    if ops:
        table([["one element, a + b", "ns", "recorded ns"]] + [
            [key.rsplit(" ", 1)[0], *(f"{v:.0f}" if v == v else "-" for v in values)]
            for key, values in ops.items()
            if key.startswith(("gradus-eager", "torch-eager", "numpy", "jax-step"))])
        out["operations"] = ops
    return out


def measure_cold(options, folder):
    """Whole processes, in turns, each round with another seed; and whether both learn as well."""
    threads = str(max(options.threads))
    env = dict(os.environ, OMP_NUM_THREADS=threads)
    cold = str(pathlib.Path(__file__).with_name("cold.py"))

    def gradus(seed):
        return [options.gradus, "train", "--data", options.data, "--epochs", "3", "--scale", "255",
                "--threads", threads, "--seed", seed, "--json", "--out", str(folder / "m.safetensors")]

    def torch(seed):
        return [sys.executable, cold, options.data, seed, str(folder / "m.pt")]

    def accuracy(name, text):
        if name != "gradus":
            return float(text.split()[-1])
        return [json.loads(line) for line in text.splitlines() if '"epoch"' in line
                and '"valid_accuracy"' in line][-1]["valid_accuracy"]

    commands = {"gradus": gradus, "python + torch": torch}
    times, right = {name: [] for name in commands}, {name: [] for name in commands}
    for seed in range(1, options.seeds + 1):
        for name, command in commands.items():
            progress(f"whole process, seed {seed}: {name}")
            start = time.perf_counter()
            done = subprocess.run(command(str(seed)), check=True, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.DEVNULL, env=env)
            times[name].append(time.perf_counter() - start)
            right[name].append(accuracy(name, done.stdout))
    progress("")
    rows = [["whole process, 3 epochs of (i)", "ms", "median ms", "gradus is", "valid accuracy"]]
    for name, values in times.items():
        error = statistics.stdev(right[name]) / math.sqrt(len(right[name]))
        rows.append([name, f"{1e3 * min(values):.0f}", f"{1e3 * statistics.median(values):.0f}",
                     "" if name == "gradus" else say(ratio(values, times["gradus"], range(len(values)))),
                     f"{statistics.mean(right[name]):.4f} +- {error:.4f}"])
    table(rows)
    apart = abs(statistics.mean(right["gradus"]) - statistics.mean(right["python + torch"]))
    two = 2 * math.hypot(*(statistics.stdev(v) / math.sqrt(len(v)) for v in right.values()))
    print(f"gate: mean accuracies over {options.seeds} seeds lie {apart:.4f} apart, two standard errors "
          f"are {two:.4f}: {'passed' if apart <= two else 'FAILED'}\n")
    return dict(seconds=times, valid_accuracy=right)


def main():
    parser = argparse.ArgumentParser(prog="dev bench --peers", description=__doc__.split("\n")[0])
    parser.add_argument("--bench", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--gradus", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--python", help="an interpreter that has numpy, torch and jax already")
    parser.add_argument("--nets", default="i,ii,iii")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seeds", type=int, default=10, help="whole processes of each (10)")
    parser.add_argument("--only", default=",".join(PEERS), help="peers, of " + ",".join(PEERS))
    parser.add_argument("--data", help="MNIST; $GRADUS_DATA/mnist where it is there")
    parser.add_argument("--json", help="where everything goes (build/peers.json)")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    python = options.python or str(environment(folder))
    if os.path.abspath(python) != os.path.abspath(sys.executable):
        os.execv(python, [python, str(pathlib.Path(__file__).parent), *sys.argv[1:], "--python", python])

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
    import numpy
    from nets import NETS, prepare

    options.nets = [name for name in options.nets.split(",") if name]
    for name in options.nets:
        if name not in NETS:
            parser.error(f"no net {name}; there are {', '.join(NETS)}")
    prepare(folder, options.data)
    versions = {"python": platform.python_version(), "numpy": numpy.__version__}
    for package in ("torch", "jax"):
        try:
            versions[package] = __import__(package).__version__
        except ImportError:
            options.only = [k for k in options.only if not k.startswith(package)]
            print(f"peers: no {package} here; left out", file=sys.stderr)
    cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line][0]
    date = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    print(f"{cpu}, {date} UTC, " + ", ".join(f"{k} {v}" for k, v in versions.items()) + "\n",
          flush=True)
    out = dict(versions=versions, cpu=cpu, date=date,
               nets=[measure(name, options, folder) for name in options.nets])
    if options.data and "torch" in versions and options.seeds > 1:
        out["cold"] = measure_cold(options, folder)
    target = options.json or str(folder.parent / "peers.json")
    pathlib.Path(target).write_text(json.dumps(out, indent=1))
    print("written: " + target)


if __name__ == "__main__":
    main()
