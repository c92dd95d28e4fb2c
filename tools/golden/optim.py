# Writes tests/golden/optim.json: 120 steps of PyTorch's optimizers with gradients that come from a
# formula of additions and multiplications alone, so that f32 runs do not depend on anybody's exp:
#   gradient of parameter k at step s, element i:  p_i * (i + k + 1) / 4 + wave,
#   wave = ((7 s + 3 i + 5 k) mod 11) / 8 - 0.5   (exact in binary)
# Parameter 2 has a gradient at every third step only, from step 4 on. Values after steps 1, 10, 120.
import json

import torch

from common import OUT

START = [[1.0, -2.0, 3.0], [[0.5, -0.25], [2.0, 4.0]], [1.5, -0.75]]
STEPS = 120
SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
CASES = [
    (SGD, dict(lr=0.05)), (SGD, dict(lr=0.05, weight_decay=0.01)), (SGD, dict(lr=0.02, momentum=0.9)),
    (SGD, dict(lr=0.02, momentum=0.9, dampening=0.5)), (SGD, dict(lr=0.02, momentum=0.9, dampening=0.1, weight_decay=0.02)),
    (SGD, dict(lr=0.02, momentum=0.9, nesterov=True)), (SGD, dict(lr=0.02, momentum=0.8, nesterov=True, weight_decay=0.05)),
    (Adam, dict(lr=0.01)), (Adam, dict(lr=0.05, weight_decay=0.1)), (Adam, dict(lr=0.02, betas=(0.8, 0.95), eps=1e-4)), (Adam, dict(lr=0.02, betas=(0.0, 0.9))),
    (AdamW, dict(lr=0.01, weight_decay=0.01)), (AdamW, dict(lr=0.05, weight_decay=0.3, betas=(0.95, 0.99), eps=1e-6)), (AdamW, dict(lr=0.02, weight_decay=0.0)),
]
MORE = [  # what goes with an optimizer: a schedule stepped once a step, clipping, two groups
    (SGD, dict(lr=0.05, momentum=0.9), dict(schedule="cosine")), (Adam, dict(lr=0.03), dict(schedule="one-cycle")),
    (SGD, dict(lr=0.05), dict(clip=0.75)), (SGD, dict(lr=0.05, momentum=0.5), dict(groups=[dict(lr=0.01, weight_decay=0.1), dict(lr=0.1, weight_decay=0.0)])),
]


def gradient(p, k, s):
    i = torch.arange(p.numel()).reshape(p.shape)
    return p.detach() * ((i + k + 1).to(p.dtype) / 4) + (((7 * s + 3 * i + 5 * k) % 11).to(p.dtype) / 8 - 0.5)


def run(make, options, more, dtype):
    ps = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in START]
    given = ps
    if "groups" in more: given = [dict(params=ps[:1], **more["groups"][0]), dict(params=ps[1:], **more["groups"][1])]
    o = make(given, foreach=False, **options)
    lr = torch.optim.lr_scheduler
    sched = {"cosine": lambda: lr.CosineAnnealingLR(o, T_max=STEPS), "one-cycle": lambda: lr.OneCycleLR(o, max_lr=options["lr"], total_steps=STEPS, cycle_momentum=False), None: lambda: None}[more.get("schedule")]()
    kept = {}
    for s in range(STEPS):
        o.zero_grad()
        for k, p in enumerate(ps):
            if k < 2 or (s >= 4 and s % 3 == 1): p.grad = gradient(p, k, s)
        if "clip" in more: torch.nn.utils.clip_grad_norm_(ps, more["clip"], foreach=False)
        o.step()
        if sched: sched.step()
        if s + 1 in (1, 10, STEPS): kept[str(s + 1)] = [v for p in ps for v in p.detach().double().flatten().tolist()]
    return kept


cases = [{"optimizer": m.__name__, "options": o, "more": w, "f32": run(m, o, w, torch.float32), "f64": run(m, o, w, torch.float64)} for m, o, w in [(m, o, {}) for m, o in CASES] + MORE]
json.dump({"torch": torch.__version__, "start": START, "steps": STEPS, "cases": cases}, open(f"{OUT}/optim.json", "w"), separators=(",", ":"))
