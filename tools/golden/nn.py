# Writes tests/golden/nn.safetensors and nn.json: layers, losses and initialisers of torch.nn. A case
# of a layer: {"id", "layer" (as gradus writes it), "train", "runs"}; tensors n<id>/state/<name> before
# the runs, n<id>/<run>/in, out, g (cotangent), grad (of the input), n<id>/after/<name> (buffers), and
# n<id>/grad/<name> (parameters, summed over the runs). Losses: l<id>/... Initialisers: i<id>.
import json
import os

import torch
import torch.nn as nn
from safetensors.torch import save_file

from common import OUT

tensors, layers, losses, inits = {}, [], [], []
put = lambda k, t: tensors.__setitem__(k, t.detach().clone().contiguous())


def layer(text, module, *shapes, train=True, ids=None):
    i = len(layers)
    g = torch.Generator().manual_seed(100 + i)
    module = module.double()
    for name, p in module.named_parameters():  # away from ones and zeros
        with torch.no_grad(): p.copy_(torch.rand(p.shape, dtype=torch.float64, generator=g) * 2 - .7)
    for name, b in module.named_buffers():
        if b.is_floating_point(): b.copy_(torch.rand(b.shape, dtype=torch.float64, generator=g) + .5)
    module.train(train)
    for name, t in module.state_dict().items(): put(f"n{i}/state/{name}", t)
    for k, shape in enumerate(shapes):
        if ids: x = torch.randint(ids, shape, generator=g)
        else: x = (torch.rand(shape, dtype=torch.float64, generator=g) * 6 - 3).requires_grad_()
        y = module(x)
        c = torch.randn(y.shape, dtype=torch.float64, generator=g)
        y.backward(c)
        put(f"n{i}/{k}/in", x); put(f"n{i}/{k}/out", y); put(f"n{i}/{k}/g", c)
        if not ids: put(f"n{i}/{k}/grad", x.grad)
    for name, p in module.named_parameters(): put(f"n{i}/grad/{name}", p.grad)
    for name, b in module.named_buffers(): put(f"n{i}/after/{name}", b)
    layers.append(dict(id=i, layer=text, train=train, runs=len(shapes)))


layer("Linear(5, 3)", nn.Linear(5, 3), (4, 5), (2, 3, 5))
layer("Linear(5, 3, no bias)", nn.Linear(5, 3, bias=False), (4, 5))
layer("Embedding(7, 3)", nn.Embedding(7, 3), (4,), (2, 5), ids=7)
layer("Identity()", nn.Identity(), (4, 5))
layer("Flatten()", nn.Flatten(), (4, 2, 3))
layer("Dropout(0.5)", nn.Dropout(.5), (4, 5), train=False)
layer("ReLU()", nn.ReLU(), (4, 5))
layer("LeakyReLU(0.01)", nn.LeakyReLU(), (4, 5))
layer("LeakyReLU(0.2)", nn.LeakyReLU(.2), (4, 5))
layer("Tanh()", nn.Tanh(), (4, 5))
layer("Sigmoid()", nn.Sigmoid(), (4, 5))
layer("GELU()", nn.GELU(), (4, 5))
layer("GELU(tanh)", nn.GELU(approximate="tanh"), (4, 5))
layer("SiLU()", nn.SiLU(), (4, 5))
layer("Softplus(1, 20)", nn.Softplus(), (4, 5))
layer("Softplus(2, 3)", nn.Softplus(2, 3), (4, 5))
layer("Softmax(1)", nn.Softmax(1), (4, 5))
layer("Softmax(0)", nn.Softmax(0), (4, 5))
layer("LogSoftmax(-1)", nn.LogSoftmax(-1), (4, 5))
layer("LayerNorm(5, eps=1e-05)", nn.LayerNorm(5), (4, 5), (2, 3, 5))
layer("LayerNorm(3, 5, eps=0.1)", nn.LayerNorm([3, 5], eps=.1), (2, 3, 5))
layer("LayerNorm(5, eps=1e-05, affine=false)", nn.LayerNorm(5, elementwise_affine=False), (4, 5))
for train in (True, False):
    layer("BatchNorm1d(5, eps=1e-05, momentum=0.1)", nn.BatchNorm1d(5), (4, 5), (3, 5), (2, 5, 3), train=train)
    layer("BatchNorm1d(3, eps=0.01, momentum=0.3, affine=false)", nn.BatchNorm1d(3, eps=.01, momentum=.3, affine=False), (4, 3), (3, 3, 2), train=train)


def loss(name, module, x, y, **settings):
    i = len(losses)
    x = x.clone().requires_grad_()
    value = module(x, y)
    value.sum().backward()
    put(f"l{i}/in", x); put(f"l{i}/target", y); put(f"l{i}/out", value); put(f"l{i}/grad", x.grad)
    losses.append(dict(id=i, loss=name, **settings))


g = torch.Generator().manual_seed(9)
r = lambda *s: torch.rand(s, dtype=torch.float64, generator=g) * 4 - 2
labels = torch.randint(5, (6,), generator=g)
weight = torch.rand(5, dtype=torch.float64, generator=g) + .5
put("weight", weight)
for reduction in ("mean", "sum", "none"):
    loss("CrossEntropyLoss", nn.CrossEntropyLoss(reduction=reduction), r(6, 5), labels, reduction=reduction)
    loss("NLLLoss", nn.NLLLoss(reduction=reduction), torch.log_softmax(r(6, 5), 1), labels, reduction=reduction)
    loss("MSELoss", nn.MSELoss(reduction=reduction), r(6, 5), r(6, 5), reduction=reduction)
    loss("BCEWithLogitsLoss", nn.BCEWithLogitsLoss(reduction=reduction), r(6, 5), torch.sigmoid(r(6, 5)), reduction=reduction)
loss("CrossEntropyLoss", nn.CrossEntropyLoss(weight=weight, label_smoothing=.1), r(6, 5), labels, reduction="mean", weight=True, label_smoothing=.1)
loss("CrossEntropyLoss", nn.CrossEntropyLoss(), r(6, 5), torch.softmax(r(6, 5), 1), reduction="mean")
loss("NLLLoss", nn.NLLLoss(weight=weight, ignore_index=2), torch.log_softmax(r(6, 5), 1), labels, reduction="mean", weight=True, ignore_index=2)


def init(name, f, shape, gain=None, fan="in"):
    i = len(inits)
    torch.manual_seed(40 + i)
    put(f"i{i}", f(torch.empty(shape)))
    inits.append(dict(id=i, seed=40 + i, init=name, gain=gain, fan=fan, shape=shape))


I = nn.init
for shape in ((4, 3), (5, 40), (6, 2, 3, 3)):
    init("uniform_", lambda t: I.uniform_(t, -.3, .8), shape)
    init("normal_", lambda t: I.normal_(t, .5, 2), shape)
    for gain in (1., I.calculate_gain("tanh")):
        init("xavier_uniform_", lambda t: I.xavier_uniform_(t, gain), shape, gain)
        init("xavier_normal_", lambda t: I.xavier_normal_(t, gain), shape, gain)
    for fan in ("in", "out"):
        for nonlinearity, a in (("relu", 0), ("leaky_relu", .2), ("linear", 0)):
            gain = I.calculate_gain(nonlinearity, a)
            init("kaiming_uniform_", lambda t: I.kaiming_uniform_(t, a, "fan_" + fan, nonlinearity), shape, gain, fan)
            init("kaiming_normal_", lambda t: I.kaiming_normal_(t, a, "fan_" + fan, nonlinearity), shape, gain, fan)
gains = {n: I.calculate_gain(n) for n in ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")}

save_file(tensors, os.path.join(OUT, "nn.safetensors"))
with open(os.path.join(OUT, "nn.json"), "w") as f:
    rows = lambda xs: "[\n" + ",\n".join("  " + json.dumps(x) for x in xs) + "\n ]"
    f.write('{"torch": "%s",\n "layers": %s,\n "losses": %s,\n "inits": %s,\n "gains": %s}\n'
            % (torch.__version__, rows(layers), rows(losses), rows(inits), json.dumps(gains)))
