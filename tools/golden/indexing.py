# Writes tests/golden/indexing.json: random indices of NumPy, reading and writing. An entry is an
# integer, "all", "newaxis", "...", [start, stop, step], {"ints": [...], "shape": [...]} or
# {"mask": [...], "shape": [...]}. x counts from 0. Needs numpy alone.
import json
import pathlib
import random

import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
CASES = 400
random.seed(4)


def tensor_entry(sizes, common):
    """Integers for one axis, or a mask for one or more."""
    if random.random() < 0.7:
        n = sizes[0]
        a = np.array([random.randint(-n, n - 1) for _ in range(int(np.prod(common)))]).reshape(common)
        return 1, a, {"ints": a.ravel().tolist(), "shape": list(a.shape)}
    rank = random.choice([0, 1, 1, 2])
    if rank > len(sizes): rank = 1
    a = np.array([random.random() < 0.5 for _ in range(int(np.prod(sizes[:rank], dtype=int)))]).reshape(sizes[:rank])
    return rank, a, {"mask": a.ravel().tolist(), "shape": list(a.shape)}


def entry(sizes, common):
    """How many axes it uses, NumPy's entry, ours."""
    kind = random.random()
    if kind < 0.2:
        i = random.randint(-sizes[0], sizes[0] - 1)
        return 1, i, i
    if kind < 0.35: return 1, slice(None), "all"
    if kind < 0.5:
        s = [random.choice([None, random.randint(-4, 4)]) for _ in range(2)] + [random.choice([1, 2, -1, -2])]
        return 1, slice(*s), s
    if kind < 0.62: return 0, None, "newaxis"
    return tensor_entry(sizes, common)


def case():
    shape = [random.randint(1, 4) for _ in range(random.randint(1, 4))]
    x = np.arange(int(np.prod(shape))).reshape(shape)
    common = random.choice([[2], [3], [1], [2, 1], [2, 2], []])
    theirs, ours, sizes = [], [], list(shape)
    for _ in range(random.randint(1, 5)):
        if not sizes: break
        used, a, b = entry(sizes, common)
        theirs.append(a)
        ours.append(b)
        sizes = sizes[used:]
    if random.random() < 0.3:  # an ellipsis may stand for no axis at all
        i = random.randint(0, len(theirs))
        if i == len(theirs) or not sizes:
            theirs.insert(i, Ellipsis)
            ours.insert(i, "...")
    c = {"shape": shape, "index": ours}
    try:
        y = x[tuple(theirs)]
    except IndexError:
        return {**c, "error": True}
    written = x.copy()
    # Repeated positions: NumPy does not say which write wins, so all write the same.
    written[tuple(theirs)] = -1
    return {**c, "result": {"shape": list(y.shape), "values": y.ravel().tolist()}, "written": written.ravel().tolist()}


cases = [case() for _ in range(CASES)]
(OUT / "indexing.json").write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases), sum("error" in c for c in cases), "errors")
