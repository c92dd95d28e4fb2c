# Writes tests/golden/train.json: PyTorch runs of what `gradus train` does, each in f32 and f64 (the
# difference of the two says how tightly a run may be tested). Real MNIST and Fashion-MNIST.
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
sets = {name: load(name) for name in ("mnist", "fashion-mnist")}
runs = []
for r in RUNS:
    both = {d: train({**r}, t, sets[r.get("data", "mnist")]) for d, t in (("f32", torch.float32), ("f64", torch.float64))}
    runs.append({"config": both["f32"]["config"], **{d: {k: v for k, v in b.items() if k not in ("config", "dtype")} for d, b in both.items()}})
    json.dump({"torch": torch.__version__, "runs": runs}, open(f"{OUT}/train.json", "w"), indent=1)
    print(r, [(a["train_loss"], b["train_loss"]) for a, b in zip(both["f32"]["epochs"], both["f64"]["epochs"])], flush=True)
