# Writes tests/golden/train.json: PyTorch runs of what `gradus train` does, each in f32 and f64, and
# "drift": how far PyTorch's own numbers move, worst of each kind, in f64 and when the initial weights
# of the f32 run move by one unit in the last place (a relu that flips makes that visible). It says how
# tightly a run in f32 may be tested. Real MNIST and Fashion-MNIST.
import json

import torch

from common import OUT, load, train

F = dict(data="fashion-mnist", lr=0.1)
RUNS = [
    dict(),
    dict(F),
    dict(shuffle=True, seed=7, lr=0.1),
    dict(hidden=[], batch_size=100, lr=0.1, seed=42),
    dict(hidden=[128, 64], batch_size=100, lr=0.1, seed=7),
    dict(batch_size=100, lr=0.02, momentum=0.9, seed=42),
    dict(batch_size=100, lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-4, shuffle=True, seed=7),
    dict(F, optimizer="adam", lr=0.001, batch_size=100),
    dict(optimizer="adamw", lr=0.002, weight_decay=0.01, batch_size=100, shuffle=True, seed=42),
    dict(schedule="cosine", lr=0.2, batch_size=100),
    dict(schedule="one-cycle", lr=0.2, batch_size=100, shuffle=True, seed=42),
    dict(batch_size=32, lr=0.05, scale=255, epochs=1, seed=42),
    dict(optimizer="adam", lr=0.001, weight_decay=0.001, batch_size=128, epochs=1, seed=-3 & 0xFFFFFFFF),
]
NUDGES = 6


def numbers(run):
    for e in run["epochs"]:
        for k, v in e.items(): yield "accuracy" if "accuracy" in k else "loss", v
    yield "loss", run["test_loss"]
    yield "accuracy", run["test_accuracy"]
    for v in run["norms"].values(): yield "norm", v


sets = {name: load(name) for name in ("mnist", "fashion-mnist")}
runs = []
for r in RUNS:
    both = {d: train({**r}, t, sets[r.get("data", "mnist")]) for d, t in (("f32", torch.float32), ("f64", torch.float64))}
    others = [both["f64"]] + [train({**r}, torch.float32, sets[r.get("data", "mnist")], nudge=i + 1) for i in range(NUDGES)]
    drift = dict(loss=0.0, accuracy=0.0, norm=0.0)
    for other in others:
        for (kind, a), (_, b) in zip(numbers(both["f32"]), numbers(other), strict=True): drift[kind] = max(drift[kind], abs(a - b))
    runs.append({"config": both["f32"]["config"], **{d: {k: v for k, v in b.items() if k not in ("config", "dtype")} for d, b in both.items()}, "drift": drift})
    json.dump({"torch": torch.__version__, "runs": runs}, open(f"{OUT}/train.json", "w"), indent=1)
    print(r, [(a["train_loss"], b["train_loss"]) for a, b in zip(both["f32"]["epochs"], both["f64"]["epochs"])], drift, flush=True)
