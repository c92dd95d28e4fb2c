# Writes tests/golden/ops.safetensors and ops.json: operations of gradus computed by PyTorch, with
# gradients for stored cotangents. A case of the index: {"id", "op", "attrs", "inputs", "outputs",
# "grads" (positions of inputs with a gradient), "tolerance"}; tensors c<id>/in|out|g|grad/<k>.
import json
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from common import OUT

tensors, index = {}, []
dtypes = {"f32": torch.float32, "f64": torch.float64, "i64": torch.int64, "i32": torch.int32, "u8": torch.uint8, "bool": torch.bool}


def put(k, t): tensors[k] = t.detach().clone().contiguous()


def text(v):
    if isinstance(v, bool): return str(v).lower()
    return ",".join(map(str, v)) if isinstance(v, (list, tuple)) else str(v)


def case(op, f, inputs, exact=False, grads=True, outputs_only=None, **attrs):
    i = len(index)
    xs = [x.detach().clone().requires_grad_(grads and x.is_floating_point()) for x in inputs]
    ys = f(*xs)
    ys = list(ys) if isinstance(ys, (tuple, list)) else [ys]
    got = []
    with_history = [(k, y) for k, y in enumerate(ys) if y.requires_grad]
    for k, x in enumerate(xs): put(f"c{i}/in/{k}", x)
    for k, y in enumerate(ys): put(f"c{i}/out/{k}", y)
    if with_history:
        g = torch.Generator().manual_seed(i)
        cot = [torch.randn(y.shape, dtype=torch.float64, generator=g).to(y.dtype) for _, y in with_history]
        for (k, _), c in zip(with_history, cot): put(f"c{i}/g/{k}", c)
        leaves = [(k, x) for k, x in enumerate(xs) if x.requires_grad]
        for (k, _), d in zip(leaves, torch.autograd.grad([y for _, y in with_history], [x for _, x in leaves], cot, allow_unused=True)):
            if d is not None: put(f"c{i}/grad/{k}", d); got.append(k)
    floats = [t.dtype for t in [*xs, *ys] if t.is_floating_point()]
    tol = "exact" if exact or not floats else "f32" if torch.float32 in floats else "f64"
    index.append(dict(id=i, op=op, attrs={k: text(v) for k, v in attrs.items()}, inputs=len(xs), outputs=len(ys), grads=got, **({"only": outputs_only} if outputs_only else {}), tolerance=tol))


def x(*shape, d="f64", lo=-2.0, hi=2.0):
    g = torch.Generator().manual_seed(zlib.crc32(repr((shape, d, lo, hi, len(index))).encode()))
    u = torch.rand(shape, dtype=torch.float64, generator=g) * (hi - lo) + lo
    return (u > 0) if d == "bool" else u.to(dtypes[d])


for d in ("f64", "f32"):
    r = lambda *s, **k: x(*s, d=d, **k)
    unary = dict(abs=torch.abs, sign=torch.sign, square=torch.square, neg=torch.neg, exp=torch.exp, expm1=torch.expm1, sin=torch.sin, cos=torch.cos, tanh=torch.tanh,
                 sigmoid=torch.sigmoid, erf=torch.erf, floor=torch.floor, ceil=torch.ceil, round=torch.round, relu=torch.relu, silu=F.silu, gelu=F.gelu, softplus=F.softplus)
    positive = dict(sqrt=torch.sqrt, rsqrt=torch.rsqrt, log=torch.log, log1p=torch.log1p, log2=torch.log2)
    for name, f in unary.items():
        for s in ((3, 4), (), (0, 3)): case(name, f, [r(*s)])
    for name, f in positive.items():
        for s in ((3, 4), (), (0, 3)): case(name, f, [r(*s, lo=0.1, hi=3)])
    case("tan", torch.tan, [r(5, lo=-1.2, hi=1.2)])
    case("gelu", lambda a: F.gelu(a, approximate="tanh"), [r(5)], approximate="tanh")
    case("leaky_relu", lambda a: F.leaky_relu(a, 0.1), [r(3, 4)], negative_slope=0.1)
    case("softplus", lambda a: F.softplus(a, 2.0, 1.5), [r(9)], beta=2, threshold=1.5)
    case("clip", lambda a: a.clamp(-0.5, 1.0), [r(3, 4)], min=-0.5, max=1.0)
    case("clip", lambda a: a.clamp(min=0.25), [r(3, 4)], min=0.25)
    for name, f in dict(add=torch.add, sub=torch.sub, mul=torch.mul, div=torch.div, maximum=torch.maximum, minimum=torch.minimum).items():
        for a, b in (((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 1, 3), (4, 1)), ((0, 3), (1, 3)), ((), ())):
            case(name, f, [r(*a), r(*b, lo=0.5, hi=2.5)])
    case("pow", torch.pow, [r(3, 4, lo=0.2, hi=2), r(4)])
    for name, f in dict(remainder=torch.remainder, floor_divide=torch.floor_divide).items():
        case(name, f, [r(3, 4, lo=-9, hi=9), r(4, lo=0.6, hi=2.2)], grads=False)
    for name, f in dict(equal=torch.eq, not_equal=torch.ne, less=torch.lt, less_equal=torch.le, greater=torch.gt, greater_equal=torch.ge).items():
        case(name, f, [r(3, 4).round(), r(4).round()])
    case("where", torch.where, [x(3, 4, d="bool"), r(3, 4), r(4)])
    case("where", torch.where, [x(3, 1, d="bool"), r(4), r()])
    for name in ("sum", "mean", "amax", "amin", "logsumexp"):
        f = getattr(torch, name)
        for s, ax in (((3, 4), [0]), ((3, 4), [-1]), ((2, 3, 4), [0, 2]), ((2, 3, 4), [1]), ((5,), [0]), ((2, 3, 4), [0, 1, 2])):
            for keep in (False, True): case(name, lambda a: f(a, ax, keepdim=keep), [r(*s)], axis=ax, keepdims=keep)
    for name in ("var", "std"):
        for s, ax, c in (((3, 4), [0], 1), ((3, 4), [-1], 0), ((2, 3, 4), [0, 2], 1)):
            case(name, lambda a: getattr(torch, name)(a, ax, correction=c, keepdim=True), [r(*s)], axis=ax, correction=c, keepdims=True)
    case("sum", torch.sum, [r()]); case("sum", lambda a: a.sum([0]), [r(0, 3)], axis=[0]); case("sum", torch.sum, [r(0, 3)])
    case("mean", torch.mean, [r(1000)]); case("prod", torch.prod, [r(2, 3)]); case("prod", lambda a: a.prod(1), [r(2, 3)], axis=[1])
    for name in ("max", "min"):
        for ax, keep in ((0, False), (-1, True), (1, False)): case(name, lambda a: tuple(getattr(torch, name)(a, ax, keepdim=keep)), [r(3, 4)], axis=ax, keepdims=keep)
    for name in ("argmax", "argmin"):
        for ax in (0, -1): case(name, lambda a: getattr(torch, name)(a, ax), [r(3, 5)], axis=ax)
    for p, ax in ((2, [0]), (1, [1]), (3, [0, 1])): case("norm", lambda a: torch.linalg.vector_norm(a, p, ax), [r(3, 4)], ord=p, axis=ax)
    for ax in (0, 1, -1):
        case("cumsum", lambda a: a.cumsum(ax), [r(3, 4)], axis=ax)
        for name, f in dict(softmax=F.softmax, log_softmax=F.log_softmax).items():
            case(name, lambda a: f(a, ax), [r(3, 4)], axis=ax); case(name, lambda a: f(a, ax), [r(2, 3, 4, lo=-30, hi=30)], axis=ax)
        for desc in (False, True):
            case("argsort", lambda a: a.argsort(ax, desc), [r(3, 4)], axis=ax, descending=desc)
            case("topk", lambda a: tuple(a.topk(2, ax, largest=desc)), [r(3, 4)], k=2, axis=ax, largest=desc)
    for a, b in (((3, 4), (4, 5)), ((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((0, 4), (4, 2)), ((3, 0), (0, 2)), ((33, 65), (65, 17))):
        case("matmul", torch.matmul, [r(*a), r(*b)])
    for e, *s in (("ij,ik->jk", (5, 3), (5, 4)), ("ji,ik->jk", (3, 5), (5, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("ii->i", (4, 4)), ("ij->", (3, 4)), ("ij->ji", (3, 4)), ("ik,kj->ikj", (2, 3), (3, 4)), ("i,j,k->ijk", (2,), (3,), (4,)), ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 2))):
        case("einsum", lambda *a: torch.einsum(e, *a), [r(*t) for t in s], equation=e)
    case("outer", torch.outer, [r(3), r(4)]); case("dot", torch.dot, [r(7), r(7)]); case("trace", torch.trace, [r(4, 4)])
    for k in (-1, 0, 1):
        for name in ("tril", "triu"): case(name, lambda a: getattr(torch, name)(a, k), [r(2, 3, 4)], k=k)
    for ax in (0, 1, -1):
        case("concat", lambda *a: torch.cat(a, ax), [r(2, 3), r(2, 3)], axis=ax); case("stack", lambda *a: torch.stack(a, ax), [r(2, 3), r(2, 3)], axis=ax)
        case("chunk", lambda a: a.chunk(2, ax), [r(4, 6)], chunks=2, axis=ax)
        case("expand_dims", lambda a: a.unsqueeze(ax), [r(2, 3)], axis=ax)
        case("repeat", lambda a: a.repeat_interleave(2, ax), [r(2, 3)], repeats=2, axis=ax)
        case("take", lambda a, i: a.index_select(ax, i), [r(3, 4), torch.tensor([2, 0, 2])], axis=ax)
        j = torch.tensor([[0, 2], [1, 1]])
        case("gather", lambda a, i: a.gather(ax, i), [r(3, 4), j], axis=ax)
        case("scatter_add", lambda a, i, s: a.scatter_add(ax, i, s), [r(3, 4), j, r(2, 2)], axis=ax)
    case("split", lambda a: a.split([1, 3], 1), [r(2, 4)], sizes=[1, 3], axis=1)
    case("reshape", lambda a: a.reshape(2, -1), [r(3, 4)], shape=[2, -1]); case("permute_dims", lambda a: a.permute(2, 0, 1), [r(2, 3, 4)], axes=[2, 0, 1])
    case("squeeze", lambda a: a.squeeze(1), [r(2, 1, 3)], axis=[1]); case("broadcast_to", lambda a: a.expand(2, 3, 4), [r(3, 1)], shape=[2, 3, 4])
    case("flip", lambda a: a.flip(0, 1), [r(3, 4)], axis=[0, 1]); case("roll", lambda a: a.roll([1, -2], [0, 1]), [r(3, 4)], shift=[1, -2], axis=[0, 1]); case("tile", lambda a: a.tile(2, 3), [r(2, 2)], repetitions=[2, 3])
    case("slice", lambda a: a[:, 1:7:2], [r(2, 8)], axis=1, start=1, stop=7, step=2); case("transpose", lambda a: a.transpose(0, 2), [r(2, 3, 4)], axis0=0, axis1=2); case("flatten", lambda a: a.flatten(1, 2), [r(2, 3, 4)], first=1, last=2)
    t = torch.tensor([1, 0, 3, 2, 3])
    for red in ("mean", "sum", "none"):
        case("mse", lambda a, b: F.mse_loss(a, b, reduction=red), [r(4, 3), r(4, 3)], reduction=red)
        case("nll", lambda a, b: F.nll_loss(a, b, reduction=red), [r(5, 4), t], reduction=red)
        case("binary_cross_entropy_with_logits", lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction=red), [r(4, 3), r(4, 3, lo=0, hi=1)], reduction=red)
        for ls in (0.0, 0.1):
            case("cross_entropy", lambda a, b: F.cross_entropy(a, b, reduction=red, label_smoothing=ls, ignore_index=2), [r(5, 4), t], reduction=red, label_smoothing=ls, ignore_index=2)
            case("cross_entropy", lambda a, b, w: F.cross_entropy(a, b, w.detach(), reduction=red, label_smoothing=ls), [r(5, 4), t, torch.tensor([0.5, 2, 1, 1.5], dtype=dtypes[d])], reduction=red, label_smoothing=ls)
for d in ("i64", "i32", "u8"):
    for name, f in dict(add=torch.add, sub=torch.sub, mul=torch.mul, maximum=torch.maximum, minimum=torch.minimum, floor_divide=torch.floor_divide, remainder=torch.remainder).items():
        case(name, f, [x(3, 4, d=d, lo=0, hi=90), x(4, d=d, lo=1, hi=9)], exact=True)
    for name, f in dict(equal=torch.eq, less=torch.lt, greater_equal=torch.ge).items(): case(name, f, [x(3, 4, d=d, lo=0, hi=5), x(4, d=d, lo=0, hi=5)], exact=True)
for name, f in dict(logical_and=torch.logical_and, logical_or=torch.logical_or, logical_xor=torch.logical_xor).items(): case(name, f, [x(3, 4, d="bool"), x(4, d="bool")], exact=True)
for name in ("any", "all"):
    for ax in (0, -1): case(name, lambda a: getattr(torch, name)(a, ax), [x(3, 4, d="bool")], exact=True, axis=[ax])
for a in dtypes:
    for b in dtypes:
        hi = 1 if a == "bool" else 90
        case("astype", lambda v: v.to(dtypes[b]), [x(2, 3, d=a, lo=0 if a != "bool" else -1, hi=hi)], exact=True, grads=False, dtype=b)

# Edges: special values, ties, negative steps, creation, corrections. Kept small.
inf, nan = float("inf"), float("nan")
special = torch.tensor([0.0, -0.0, 1.0, -1.0, 2.0, -2.5, 0.5, inf, -inf, nan])
for d in ("f64", "f32"):
    r = lambda *s, **k: x(*s, d=d, **k)
    v = lambda a: torch.tensor(a, dtype=dtypes[d])
    sp = special.to(dtypes[d])
    # pow: every special base with every special exponent, and gradients where both are finite
    case("pow", torch.pow, [sp[:, None], sp[None, :]], grads=False)
    case("pow", torch.pow, [v([[0.0], [1.0], [2.0], [0.5]]), v([0.0, 1.0, 2.0, 3.0])])
    for name, f in dict(abs=torch.abs, sign=torch.sign, square=torch.square, floor=torch.floor, ceil=torch.ceil, round=torch.round, sqrt=torch.sqrt, rsqrt=torch.rsqrt, exp=torch.exp, expm1=torch.expm1,
                        log=torch.log, log1p=torch.log1p, log2=torch.log2, tanh=torch.tanh, sigmoid=torch.sigmoid, erf=torch.erf, relu=torch.relu, isnan=torch.isnan, isinf=torch.isinf, isfinite=torch.isfinite).items():
        case(name, f, [sp[:-1] if name == "sign" else sp], grads=False)  # sign(NaN): 0 in PyTorch, NaN in NumPy and here
    for name, f in dict(add=torch.add, mul=torch.mul, div=torch.div, maximum=torch.maximum, minimum=torch.minimum, equal=torch.eq, less=torch.lt, greater_equal=torch.ge).items():
        case(name, f, [sp[:, None], sp[None, :]], grads=False)
    case("round", torch.round, [v([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])])
    # clip: at the limits, equal limits, NaN, one limit
    e = v([-1.0, -0.5, 0.0, 0.5, 1.0])
    case("clip", lambda a: a.clamp(-0.5, 0.5), [e], min=-0.5, max=0.5); case("clip", lambda a: a.clamp(0.5, 0.5), [e], min=0.5, max=0.5); case("clip", lambda a: a.clamp(max=0.0), [e], max=0)
    case("clip", lambda a: a.clamp(-1.0, 1.0), [sp], grads=False, min=-1, max=1)
    # kinks and ties
    for name, f in dict(abs=torch.abs, relu=torch.relu, sign=torch.sign).items(): case(name, f, [e])
    case("leaky_relu", lambda a: F.leaky_relu(a, 0.1), [e], negative_slope=0.1)
    t = v([[1.0, 3.0, 3.0, 2.0], [2.0, 2.0, 2.0, 2.0], [0.0, nan, 5.0, 5.0]])
    case("maximum", torch.maximum, [t[:2], v([2.0, 3.0, 1.0, 2.0])]); case("minimum", torch.minimum, [t[:2], v([2.0, 3.0, 1.0, 2.0])])
    for name in ("amax", "amin"):
        for ax in ([0], [1], [0, 1]): case(name, lambda a: getattr(torch, name)(a, ax), [t[:2]], axis=ax)
        case(name, lambda a: getattr(torch, name)(a, [1]), [t], grads=False, axis=[1])
    for name in ("max", "min"): case(name, lambda a: tuple(getattr(torch, name)(a, 1)), [t[:2]], axis=1)
    for name in ("argmax", "argmin"):
        case(name, lambda a: getattr(torch, name)(a, 1), [t], axis=1); case(name, lambda a: getattr(torch, name)(a), [t[:2]])
    for ax in (0, 1, -1):
        for desc in (False, True):
            case("sort", lambda a: a.sort(dim=ax, descending=desc, stable=True)[0], [r(3, 4)], axis=ax, descending=desc)
            case("sort", lambda a: a.sort(dim=ax, descending=desc, stable=True)[0], [t], grads=False, axis=ax, descending=desc)
            case("argsort", lambda a: a.argsort(dim=ax, descending=desc, stable=True), [t], axis=ax, descending=desc)
    for k in (1, 2, 4): case("topk", lambda a: a.topk(k, 1)[0], [t], grads=False, outputs_only=1, k=k, axis=1)
    # norms, variances
    for p in (0, 0.5, 1, 2, 3, inf, -inf):
        for ax in ([], [0], [-1]):
            case("norm", lambda a: torch.linalg.vector_norm(a, p, ax or None, keepdim=ax == [0]), [r(3, 4)], grads=p != 0, ord=p, axis=ax, keepdims=ax == [0])
    case("norm", lambda a: torch.linalg.vector_norm(a, 2), [v([0.0, 0.0])])
    for name in ("var", "std"):
        for c in (0, 1, 2, 0.5):
            for ax in ([], [0], [1], [0, 1]): case(name, lambda a: getattr(torch, name)(a, ax or None, correction=c), [r(3, 5)], correction=c, axis=ax)
        case(name, lambda a: getattr(torch, name)(a, correction=0), [v([2.0])], grads=name == "var", correction=0); case(name, lambda a: getattr(torch, name)(a), [v([1e4, 1e4 + 1, 1e4 + 2])])
    for name, f in dict(softmax=F.softmax, log_softmax=F.log_softmax).items(): case(name, lambda a: f(a, -1), [v([[0.0, -inf, 1.0], [1e4, 1e4, -1e4]])], axis=-1)
    case("logsumexp", lambda a: a.logsumexp(1), [v([[0.0, -inf, 1.0], [100.0, 100.0, -100.0]])], axis=[1]); case("logsumexp", lambda a: a.logsumexp(1), [v([[-inf, -inf], [inf, 0.0]])], grads=False, axis=[1])
    # slices, with NumPy where PyTorch has no negative step
    for start, stop, step in ((None, None, -1), (5, 0, -2), (-2, None, -3), (2, 100, 2), (-100, 3, 1), (4, 2, 1), (None, None, 7), (1, 6, -1)):
        cut = slice(start, stop, step)
        rows = torch.tensor(np.arange(7)[cut].copy())
        case("slice", lambda a: a[:, rows], [r(2, 7)], axis=1, **{k: w for k, w in dict(start=start, stop=stop, step=step).items() if w is not None})
    for ax in ([], [0], [1], [-1, 0]): case("flip", lambda a: a.flip(ax or [0, 1, 2]), [r(2, 3, 2)], axis=ax)
    for sh, ax in (([1], [1]), ([-4], [0]), ([7, 2], [0, 1]), ([5], [])): case("roll", lambda a: a.roll(sh, ax), [r(3, 4)], shift=sh, axis=ax)
    for n, ax in ((3, 0), (1, 1), (0, 1), (2, None)): case("repeat", lambda a: a.repeat_interleave(n, ax), [r(2, 3)], repeats=n, **({} if ax is None else {"axis": ax}))
    for reps in ([2], [2, 1, 3], [1, 0], [1, 2, 1, 2]): case("tile", lambda a: a.tile(reps), [r(2, 3)], repetitions=reps)
    # indexing: positions count in row-major order
    pos = torch.tensor([5, 0, 11, 5])
    case("index_put", lambda a, i, w: a.flatten().index_put((i,), w, accumulate=True).reshape(a.shape), [r(3, 4), pos, r(4)], accumulate=True)
    case("index_put", lambda a, i, w: a.flatten().index_put((i,), w).reshape(a.shape), [r(3, 4), pos[:3], r(3)]); case("index_put", lambda a, i, w: a.flatten().index_put((i,), w.expand(3)).reshape(a.shape), [r(3, 4), pos[:3] - 12, r()])
    case("take", lambda a, i: a[:, i + 4 * (i < 0)], [r(2, 4), torch.tensor([[-1, 0], [3, -4]])], axis=1); case("take", lambda a, i: a.index_select(0, i), [r(3, 2), torch.zeros(0, dtype=torch.int64)], axis=0)
    case("one_hot", lambda i: F.one_hot(i, 4).to(dtypes[d]), [torch.tensor([[0, 3], [2, 2]])], exact=True, num_classes=4, dtype=d)
    # dropout where no draw decides
    case("dropout", lambda a: F.dropout(a, 0.4, False), [r(3)], p=0.4, training=False); case("dropout", lambda a: F.dropout(a, 0.0, True), [r(3)], p=0, training=True); case("dropout", lambda a: F.dropout(a, 1.0, True), [r(3)], p=1, training=True)
    # creation
    case("zeros", lambda: torch.zeros(2, 0, 3, dtype=dtypes[d]), [], shape=[2, 0, 3], dtype=d); case("ones", lambda: torch.ones(2, 3, dtype=dtypes[d]), [], shape=[2, 3], dtype=d); case("full", lambda: torch.full((2,), 0.1, dtype=dtypes[d]), [], shape=[2], value=0.1, dtype=d)
    for a, b, c in ((0, 1, 0.1), (3, -2, -0.75), (1, 1, 1), (-0.3, 0.31, 0.1)): case("arange", lambda: torch.arange(a, b, c, dtype=dtypes[d]), [], start=a, stop=b, step=c, dtype=d)
    for a, b, n in ((0, 1, 11), (2, -3, 4), (5, 9, 1), (0, 1, 0)): case("linspace", lambda: torch.linspace(a, b, n, dtype=dtypes[d]), [], start=a, stop=b, num=n, dtype=d)
    for n, m in ((3, 3), (2, 4), (4, 2), (0, 2)): case("eye", lambda: torch.eye(n, m, dtype=dtypes[d]), [], n=n, m=m, dtype=d)
case("arange", lambda: torch.arange(-3, 9, 4), [], start=-3, stop=9, step=4, dtype="i64"); case("full", lambda: torch.full((2, 2), 7, dtype=torch.int32), [], shape=[2, 2], value=7, dtype="i32")
for d in ("i64", "u8"):
    case("sort", lambda a: a.sort(-1)[0], [x(3, 4, d=d, lo=0, hi=5)], exact=True); case("sum", torch.sum, [x(3, 4, d=d, lo=0, hi=90)], exact=True); case("prod", torch.prod, [x(5, d=d, lo=1, hi=9)], exact=True)
save_file(tensors, f"{OUT}/ops.safetensors")
json.dump({"torch": torch.__version__, "cases": index}, open(f"{OUT}/ops.json", "w"), separators=(",", ":"))
print(len(index), "cases,", len({c["op"] for c in index}), "operations")
