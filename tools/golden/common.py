# What the golden scripts share: reading IDX files and one PyTorch replica of `gradus train`.
# The replica is written from PyTorch's own parts (nn, optim, DataLoader's draws), never from gradus.
import gzip
import os
import random

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.normpath(os.path.join(HERE, "../../tests/golden"))
DATA = os.environ.get("GRADUS_DATA_ROOT", os.path.normpath(os.path.join(HERE, "../../../shared/data")))
torch.set_num_threads(1)


def idx(path):
    for p in (path, path + ".gz"):
        if os.path.exists(p):
            raw = open(p, "rb").read()
            raw = gzip.decompress(raw) if p.endswith(".gz") else raw
            sizes = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(raw[3])]
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)
    raise FileNotFoundError(path)


def load(name):
    d = os.path.join(DATA, name)
    x, y = idx(f"{d}/train-images-idx3-ubyte"), idx(f"{d}/train-labels-idx1-ubyte")
    tx, ty = idx(f"{d}/t10k-images-idx3-ubyte"), idx(f"{d}/t10k-labels-idx1-ubyte")
    def pair(x, y):
        return torch.from_numpy(x.reshape(len(x), -1).copy()), torch.from_numpy(y.astype(np.int64))

    return pair(x[:50000], y[:50000]), pair(x[50000:], y[50000:]), pair(tx, ty)


DEFAULTS = dict(data="mnist", hidden=[50], epochs=2, batch_size=64, lr=0.5, optimizer="sgd", momentum=0.0,
                nesterov=False, weight_decay=0.0, schedule="constant", seed=1, shuffle=False, scale=256)


def build(hidden):
    sizes = [784, *hidden, 10]
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [torch.nn.Linear(a, b)] + ([torch.nn.ReLU()] if i + 2 < len(sizes) else [])
    return torch.nn.Sequential(*layers)


def evaluate(net, data, c, dtype):
    with torch.no_grad():
        out = net(data[0].to(dtype) / c["scale"])
        loss = torch.nn.functional.cross_entropy(out, data[1]).item()
        return loss, (out.argmax(1) == data[1]).double().mean().item()


def train(config, dtype, sets=None, nudge=0):
    """A replica of `gradus train`; with nudge > 0 every initial parameter moves by up to one unit in the last place."""
    c = {**DEFAULTS, **config}
    (x, y), valid, test = sets or load(c["data"])
    torch.manual_seed(c["seed"])
    net = build(c["hidden"]).to(dtype)
    if nudge:
        g = torch.Generator().manual_seed(nudge)
        with torch.no_grad():
            for v in net.parameters(): v.mul_(1 + torch.randint(-1, 2, v.shape, generator=g) * torch.finfo(dtype).eps)
    n, b = len(x), c["batch_size"]
    steps = c["epochs"] * -(-n // b)
    p = net.parameters()
    wd = c["weight_decay"]
    if c["optimizer"] == "sgd":
        opt = torch.optim.SGD(p, lr=c["lr"], momentum=c["momentum"], nesterov=c["nesterov"], weight_decay=wd)
    else:
        make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[c["optimizer"]]
        opt = make(p, lr=c["lr"], weight_decay=wd)
    sched = None
    if c["schedule"] == "cosine":
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=steps)
    if c["schedule"] == "one-cycle":
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=c["lr"], total_steps=steps, cycle_momentum=False)
    result = {"config": c, "dtype": str(dtype).split(".")[1], "epochs": []}
    for epoch in range(c["epochs"]):
        if c["shuffle"]:  # the real thing, so that its draws are the real draws
            order = torch.tensor([int(i) for i in _order(n)])
        else:
            order = torch.arange(n)
        total, first = 0.0, None
        for i in range(0, n, b):
            rows = order[i : i + b]
            xb, yb = x[rows].to(dtype) / c["scale"], y[rows]
            out = net(xb)
            loss = torch.nn.functional.cross_entropy(out, yb)
            if first is None:
                first = (loss.item(), (out.argmax(1) == yb).double().mean().item())
            total += loss.item() * len(rows)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if sched:
                sched.step()
        if c["shuffle"]:
            iter(torch.utils.data.DataLoader(range(8), batch_size=8))  # one base seed
        vl, va = evaluate(net, valid, c, dtype)
        result["epochs"].append(dict(first_batch_loss=first[0], first_batch_accuracy=first[1], train_loss=total / n,
                                     valid_loss=vl, valid_accuracy=va))
    result["test_loss"], result["test_accuracy"] = evaluate(net, test, c, dtype)
    result["norms"] = {k: v.double().norm().item() for k, v in net.state_dict().items()}
    return result


def _order(n):
    loader = torch.utils.data.DataLoader(range(n), batch_size=None, shuffle=True)
    it = iter(loader)  # draws the base seed now, the sampler's seed at the first index
    return list(it._sampler_iter)
