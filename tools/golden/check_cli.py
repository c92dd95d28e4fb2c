# Checks a built command from outside: check_cli.py GRADUS [ops|train]. `ops` runs every case of ops.json
# through `gradus apply --grad`; `train` runs configurations that are not in train.json beside PyTorch,
# and opens the model files with Python's safetensors.
import json
import os
import subprocess
import sys
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from common import DATA, DEFAULTS, OUT, build, train

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


def read_model(path):
    if not os.path.exists(path): return {}, {}
    with safe_open(path, "pt") as f: return {k: f.get_tensor(k) for k in f.keys()}, f.metadata() or {}


def wrong_model(stored, metadata, want, hidden, scale):
    """What Python finds wrong in a model file of gradus: names, shapes, dtypes, values by their norms, layers."""
    net = build(hidden)
    try: net.load_state_dict(stored, strict=True)
    except RuntimeError as e: return str(e)
    if any(v.dtype != torch.float32 for v in stored.values()): return "a weight is not f32"
    off = max(abs(v.double().norm().item() - want["norms"][k]) for k, v in stored.items())
    if off > 2e-2: return f"norms off by {off:.2e}"
    layers = "; ".join(f"Linear({l.in_features}, {l.out_features})" if isinstance(l, torch.nn.Linear) else "ReLU()" for l in net)
    if metadata.get("gradus.layers") != layers: return f"layers {metadata.get('gradus.layers')!r}, not {layers!r}"
    if float(metadata.get("gradus.scale", 0)) != scale: return f"scale {metadata.get('gradus.scale')!r}, not {scale}"


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
            stored, metadata = read_model(f"{d}/m.safetensors")
        got = [json.loads(l) for l in p.stdout.splitlines()]
        epochs = [g for g in got if g["event"] == "epoch"]
        if len(epochs) != len(want["epochs"]) or not got or got[-1]["event"] != "end":
            failures += 1
            print(c, f"{len(epochs)} epochs instead of {len(want['epochs'])}, or no end:", p.stderr[:200])
            continue
        pairs = [(e[k], g.get(k)) for e, g in zip(want["epochs"], epochs) for k in e] + [(want["test_loss"], got[-1].get("test_loss"))]
        off = max((abs(a - b) if b is not None else 1e9) for a, b in pairs)
        problem = wrong_model(stored, metadata, want, c.get("hidden", DEFAULTS["hidden"]), c.get("scale", DEFAULTS["scale"]))
        if problem: failures += 1; print(c, problem)
        failures += off > 2e-4
        print(c, f"largest difference {off:.2e}", p.stderr[:200])


if "ops" in what: ops()
if "train" in what: runs()
print("failures:", failures)
sys.exit(failures > 0)
