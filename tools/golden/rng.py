# Writes tests/golden/rng.json: draws of PyTorch's CPU generator. f32 and f64 values are stored as
# hexadecimal floats ("0x1.8p-1"), so that a reader can compare bit for bit.
import json

import torch

from common import OUT, _order

SEEDS = [0, 1, 7, 42, 5489, 2**32 + 5, 2**40 + 2**31 + 3, 2**63 + 11, -1, -42]
SIZES = [1, 2, 5, 15, 16, 17, 31, 100]
hexes = lambda t: [float(v).hex() for v in t.flatten().tolist()]
dt = {"f32": torch.float32, "f64": torch.float64}
cases = []


def case(seed, steps):
    """Runs steps [(call, arguments)] in one stream; stores what each gave."""
    torch.manual_seed(seed)
    out = []
    for name, a in steps:
        d = dt.get(a.get("dtype"))
        if name == "rand": v = hexes(torch.rand(a["n"], dtype=d))
        elif name == "randn": v = hexes(torch.randn(a["n"], dtype=d))
        elif name == "uniform": v = hexes(torch.empty(a["n"], dtype=d).uniform_(a["low"], a["high"]))
        elif name == "normal": v = hexes(torch.empty(a["n"], dtype=d).normal_(a["mean"], a["std"]))
        elif name == "randint": v = torch.randint(a["low"], a["high"], (a["n"],)).tolist()
        elif name == "randperm": v = torch.randperm(a["n"]).tolist()
        elif name == "random": v = torch.empty(a["n"], dtype=torch.int64).random_().tolist()
        elif name == "bernoulli": v = torch.bernoulli(torch.full((a["n"],), a["p"], dtype=d)).int().tolist()
        elif name == "multinomial": v = torch.multinomial(torch.tensor(a["weights"], dtype=d), a["n"], a["replacement"]).tolist()
        elif name == "linear":
            l = torch.nn.Linear(a["in"], a["out"])
            w, b = l.weight.detach(), l.bias.detach()
            bits = int((w.view(torch.int32).long() & 0xFFFFFFFF).sum() + (b.view(torch.int32).long() & 0xFFFFFFFF).sum())
            v = {"weight_head": hexes(w.flatten()[:8]), "weight_tail": hexes(w.flatten()[-8:]), "bias": hexes(b), "sum_of_bit_patterns": bits}
        elif name == "epoch_order":
            o = _order(a["n"])
            v = {"head": o[:20], "tail": o[-20:], "sum_i_times_order_mod_2_61": sum(i * int(j) for i, j in enumerate(o)) % 2**61}
        elif name == "valid_pass":
            iter(torch.utils.data.DataLoader(range(8), batch_size=8)); v = None
        out.append({"call": name, "arguments": a, "values": v})
    cases.append({"seed": str(seed), "seed_u64": str(seed & (2**64 - 1)), "steps": out})


for s in SEEDS:
    for d in dt:
        for n in SIZES:
            case(s, [("rand", dict(n=n, dtype=d)), ("randn", dict(n=n, dtype=d)), ("rand", dict(n=2, dtype=d))])
    case(s, [("uniform", dict(n=20, dtype="f32", low=-0.3, high=1.7)), ("uniform", dict(n=20, dtype="f64", low=-0.3, high=1.7)), ("uniform", dict(n=20, dtype="f32", low=-1 / 28, high=1 / 28)), ("uniform", dict(n=20, dtype="f64", low=-1 / 28, high=1 / 31))])
    case(s, [("normal", dict(n=3, dtype="f32", mean=2.0, std=0.5)), ("normal", dict(n=2, dtype="f64", mean=0.0, std=1.0)), ("normal", dict(n=20, dtype="f64", mean=1.0, std=3.0)), ("randn", dict(n=1, dtype="f32"))])
    case(s, [("randint", dict(low=0, high=10, n=12)), ("randint", dict(low=-5, high=5, n=7)), ("randint", dict(low=0, high=2**28 - 1, n=4)), ("randint", dict(low=0, high=2**28, n=4)),
             ("randint", dict(low=0, high=2**31, n=4)), ("randint", dict(low=0, high=2**32, n=4)), ("randint", dict(low=-(2**40), high=2**40, n=4)), ("rand", dict(n=1, dtype="f32"))])
    case(s, [("randperm", dict(n=n)) for n in (0, 1, 2, 10, 100)] + [("rand", dict(n=1, dtype="f32"))])
    case(s, [("random", dict(n=6)), ("rand", dict(n=1, dtype="f64"))])
    case(s, [("bernoulli", dict(n=20, p=0.3, dtype="f32"))])
    for d in dt:
        w = [0.1, 0.5, 0.0, 2.0, 1.0]
        case(s, [("multinomial", dict(weights=w, n=12, replacement=True, dtype=d)), ("rand", dict(n=1, dtype="f64"))])
        case(s, [("multinomial", dict(weights=w, n=4, replacement=False, dtype=d)), ("rand", dict(n=1, dtype="f64"))])
        case(s, [("multinomial", dict(weights=[w, w[::-1]], n=3, replacement=False, dtype=d)), ("multinomial", dict(weights=[w, w[::-1]], n=3, replacement=True, dtype=d))])
    for d in dt: case(s, [("multinomial", dict(weights=[0.1, 0.5, 0.0, 2.0, 1.0], n=1, replacement=True, dtype=d)), ("rand", dict(n=1, dtype="f64"))])
    case(s, [("linear", {"in": 784, "out": 50}), ("linear", {"in": 50, "out": 10}), ("epoch_order", dict(n=50000)), ("valid_pass", {}), ("epoch_order", dict(n=50000)), ("valid_pass", {}), ("rand", dict(n=1, dtype="f32"))])
json.dump({"torch": torch.__version__, "cases": cases}, open(f"{OUT}/rng.json", "w"), separators=(",", ":"))
