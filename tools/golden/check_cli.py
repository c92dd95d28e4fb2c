# Checks a built command from outside: check_cli.py GRADUS [ops|train]. `ops` runs every case of ops.json
# through `gradus apply --grad`; `train` runs configurations that are not in train.json beside PyTorch.
import json
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

from common import DATA, DEFAULTS, OUT, load, train

gradus = sys.argv[1]
what = sys.argv[2:] or ["ops", "train"]
TOL = {"exact": (0, 0), "f32": (2e-5, 2e-6), "f64": (1e-11, 1e-12)}
failures = 0


def ops():
    global failures
    t = load_file(f"{OUT}/ops.safetensors")
    with tempfile.TemporaryDirectory() as d:
        for c in json.load(open(f"{OUT}/ops.json"))["cases"]:
            k = f"c{c['id']}"
            ins = {str(i): t[f"{k}/in/{i}"] for i in range(c["inputs"])}
            ins |= {n[len(k) + 1 :].replace("/", "."): v for n, v in t.items() if n.startswith(f"{k}/g/")}
            save_file(ins, f"{d}/in"); save_file({}, f"{d}/out")
            attrs = [w for n, v in c["attrs"].items() for w in ("--attr", f"{n}={v}")]
            p = subprocess.run([gradus, "apply", c["op"], f"{d}/in", *attrs, "--out", f"{d}/out", *(["--grad"] if c["grads"] else [])], capture_output=True, text=True)
            bad = p.stderr.strip()[:200] if p.returncode else ""
            got = {} if bad else load_file(f"{d}/out")
            rtol, atol = TOL[c["tolerance"]]
            for name, key in [(str(i), f"{k}/out/{i}") for i in range(c["outputs"])] + [(f"grad.{i}", f"{k}/grad/{i}") for i in c["grads"]]:
                if bad: break
                w, g = t[key], got.get(name)
                if g is None or g.shape != w.shape or g.dtype != w.dtype: bad = f"{name}: {None if g is None else (g.dtype, tuple(g.shape))}, PyTorch {w.dtype, tuple(w.shape)}"
                elif not torch.allclose(g.double(), w.double(), rtol=rtol, atol=atol, equal_nan=True): bad = f"{name}: off by {(g.double() - w.double()).abs().max():.3g}"
            if bad: failures += 1; print(c["id"], c["op"], c["attrs"], [tuple(v.shape) for v in ins.values()], bad)


def runs():
    global failures
    for c in (dict(shuffle=True, seed=11, lr=0.1, epochs=1), dict(batch_size=50, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3, seed=3, epochs=1),
              dict(optimizer="adam", lr=1e-3, batch_size=100, seed=9, shuffle=True, epochs=2), dict(optimizer="adamw", lr=1e-3, weight_decay=0.02, batch_size=128, hidden=[30, 20], epochs=1, schedule="cosine")):
        want = train(c, torch.float32)
        full = {**DEFAULTS, **c}
        flags = ["--data", os.path.join(DATA, full.pop("data")), "--hidden", ",".join(map(str, full.pop("hidden"))), "--shuffle" if full.pop("shuffle") else "--no-shuffle"]
        flags += ["--nesterov"] if full.pop("nesterov") else []
        for n, v in full.items(): flags += ["--" + n.replace("_", "-"), str(v)]
        with tempfile.TemporaryDirectory() as d:
            p = subprocess.run([gradus, "train", *flags, "--json", "--out", f"{d}/m.safetensors"], capture_output=True, text=True)
        got = [json.loads(l) for l in p.stdout.splitlines()]
        pairs = [(k, e[k], g.get(k)) for e, g in zip(want["epochs"], [g for g in got if g["event"] == "epoch"]) for k in e] + [("test_loss", want["test_loss"], got[-1].get("test_loss") if got else None)]
        off = max((abs(a - b) if b is not None else 1e9) for _, a, b in pairs)
        failures += off > 2e-4
        print(c, f"largest difference {off:.2e}", p.stderr[:200])


if "ops" in what: ops()
if "train" in what: runs()
print("failures:", failures)
sys.exit(failures > 0)
