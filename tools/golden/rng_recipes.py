# The recipes of README.md in plain Python, checked against tests/golden/rng.json.
import json
import math
from collections import Counter
from fractions import Fraction

import numpy as np

from common import OUT

f32 = np.float32


def fma(a, b, c, T):
    """a * b + c with one rounding (Fraction to f64 is correctly rounded; f32 by way of f64)."""
    return T(float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))))


class G:
    def __init__(s, seed):
        s.m, s.keep = np.random.RandomState(seed & 0xFFFFFFFF), None

    def r32(s): return int(s.m.randint(0, 2**32, dtype=np.uint32))
    def r64(s): a = s.r32(); return a << 32 | s.r32()
    def u(s, d): return f32((s.r32() & (2**24 - 1)) * 2.0**-24) if d == "f32" else (s.r64() & (2**53 - 1)) * 2.0**-53
    def uniform(s, n, d, a=0.0, b=1.0):
        T = f32 if d == "f32" else np.float64
        return [fma(s.u(d), T(b) - T(a), a if T is np.float64 else T(a), T) for _ in range(n)]
    def n1(s):
        if s.keep is not None: v, s.keep = s.keep, None; return v
        u1, u2 = s.u("f64"), s.u("f64"); r = math.sqrt(-2 * math.log1p(-u2)); t = 2 * math.pi * u1
        s.keep = r * math.sin(t); return r * math.cos(t)
    def normal(s, n, d, m=0.0, sd=1.0):
        T = f32 if d == "f32" else np.float64
        if n < 16: return [T(s.n1() * sd + m) for _ in range(n)]
        x = s.uniform(n, d)
        def block(o):
            for j in range(8):
                r = T(np.sqrt(T(-2) * np.log(T(1) - x[o + j]))); t = T(2 * math.pi) * x[o + j + 8]
                x[o + j], x[o + j + 8] = fma(T(r * np.cos(t)), T(sd), T(m), T), fma(T(r * np.sin(t)), T(sd), T(m), T)
        for o in range(0, n - 15, 16): block(o)
        if n % 16: x[n - 16:] = s.uniform(16, d); block(n - 16)
        return x
    def randint(s, n, lo, hi, limit): return [(s.r64() if hi - lo >= limit else s.r32()) % (hi - lo) + lo for _ in range(n)]
    def perm(s, n):
        r = list(range(n))
        for i in range(n - 1): z = s.r32() % (n - i); r[i], r[i + z] = r[i + z], r[i]
        return r
    def with_replacement(s, w, n, d):
        T = f32 if d == "f32" else np.float64
        c, t = [], T(0)
        for v in w: t = T(t + T(v)); c.append(t)
        c = [T(v / t) for v in c]
        return [next(i for i, v in enumerate(c) if v >= u or i == len(c) - 1) for u in (s.u("f64") for _ in range(n))]
    def without(s, rows, n, d):
        T = f32 if d == "f32" else np.float64
        out = []
        for w in rows:
            q = [max(T(-math.log1p(-s.u("f64"))), np.finfo(T).tiny) for _ in w]
            out.append(sorted(range(len(w)), key=lambda i: -(T(w[i]) / q[i]))[:n])
        return out


LIMIT = 2**28
good, bad, worst = Counter(), Counter(), Counter()
for c in json.load(open(f"{OUT}/rng.json"))["cases"]:
    g = G(int(c["seed"]))
    for k in c["steps"]:
        a, name, want = k["arguments"], k["call"], k["values"]
        d, key = a.get("dtype"), k["call"] + " " + str(a.get("dtype", ""))
        if name in ("rand", "uniform", "randn", "normal"):
            got = g.uniform(a["n"], d, a.get("low", 0.0), a.get("high", 1.0)) if name in ("rand", "uniform") else g.normal(a["n"], d, a.get("mean", 0.0), a.get("std", 1.0))
            key += " <16" if a["n"] < 16 else " >=16"
            want = [float.fromhex(v) for v in want]
            for x, y in zip(got, want): worst[key] = max(worst[key], abs(float(x) - y) / float(np.spacing(type(x)(max(abs(y), 1e-30)))))
            got = [float(v) for v in got]
        elif name == "randint": got = g.randint(a["n"], a["low"], a["high"], LIMIT); key += f" range {a['high'] - a['low']}"
        elif name == "randperm": got = g.perm(a["n"])
        elif name == "random": got = [g.r64() & (2**63 - 1) for _ in range(a["n"])]
        elif name == "bernoulli": got = [int(g.u("f32") < f32(a["p"])) for _ in range(a["n"])]
        elif name == "multinomial":
            two = isinstance(a["weights"][0], list); rows = a["weights"] if two else [a["weights"]]
            key += f" replacement={a['replacement']} rows={len(rows)}"
            got = [g.with_replacement(w, a["n"], d) for w in rows] if a["replacement"] and a["n"] > 1 else g.without(rows, a["n"], d)
            got = got if two else got[0]
        elif name == "linear":
            b = 1 / math.sqrt(a["in"]); w = g.uniform(a["in"] * a["out"], "f32", -b, b); v = g.uniform(a["out"], "f32", -b, b)
            got = [float(x).hex() for x in w[:8]], [float(x).hex() for x in v]; want = want["weight_head"], want["bias"]
        elif name == "epoch_order": g.r64(); got = G(g.r64() & (2**63 - 1)).perm(a["n"])[:20]; want = want["head"]
        elif name == "valid_pass": got = g.r64() and None
        (good if got == want else bad)[key] += 1
for key in sorted(set(good) | set(bad)):
    print(f"{key:45} equal {good[key]:4} different {bad[key]:4}" + (f"  worst {worst[key]:.2f} ulp" if key in worst else ""))
