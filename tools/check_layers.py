#!/usr/bin/env python3
"""Who may include whom: reads every #include line of the library and refuses what the table forbids.

Three laws: a room includes only the rooms named beside it in MAY_INCLUDE (and itself); no header
reaches itself again through other headers; public headers need nothing but the standard library.
`check_layers.py [ROOT]` checks a tree; `check_layers.py --self-test` feeds it bad ones and expects
each to be refused. The reasons for the order of the rooms are in ARCHITECTURE.md.
"""
import pathlib
import re
import sys
import tempfile

OPS_AND_BELOW = {"ops", "program", "kernels", "symbolic", "core"}
EVERYTHING_BELOW_TRAIN = OPS_AND_BELOW | {"autograd", "io", "compile", "nn", "optim", "data"}

MAY_INCLUDE = {
    "core": set(),
    "symbolic": set(),
    "kernels": {"core/dtype.h"},
    "program": {"core"},
    "ops": {"program", "kernels", "symbolic", "core"},
    "autograd": OPS_AND_BELOW,
    "io": OPS_AND_BELOW,
    "compile": {"ops", "program", "kernels", "symbolic", "core"},
    "nn": OPS_AND_BELOW,
    "optim": {"ops", "core", "program/watch.h", "program/place_scope.h"},
    "data": {"io", "core", "kernels/gather.h"},
    "train": {"nn", "optim", "data", "autograd", "compile", "io", "core", "program/place_scope.h"},
    "see": EVERYTHING_BELOW_TRAIN,
}
# Single files that may look further than their room, each with its reason.
SANCTIONED = {}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def read_tree(root):
    """file -> the paths it includes, both relative to the root ('gradus/core/tensor.h')."""
    files = {}
    for path in sorted((root / "gradus").rglob("*")):
        if path.suffix in (".h", ".cpp"):
            text = path.read_text(encoding="utf-8")
            files[path.relative_to(root).as_posix()] = [m[1] for m in INCLUDE.findall(text)]
    return files


def allowed(source, target):
    """May `source` (gradus/room/file) include `target` (gradus/room/file)?"""
    room, other = source.split("/")[1], target.split("/")[1]
    if room == other or target in SANCTIONED.get(source, ()):
        return True
    rooms = MAY_INCLUDE.get(room, set())
    return other in rooms or target.removeprefix("gradus/") in rooms


def find_cycle(files):
    """One chain of headers that ends where it began, or an empty list. Iterative: trees are deep."""
    done = set()
    for start in files:
        path, open_lists = [], [iter([start])]
        while open_lists:
            following = next(open_lists[-1], None)
            if following is None:
                open_lists.pop()
                if path:
                    done.add(path.pop())
            elif following in path:
                return path[path.index(following):] + [following]
            elif following in files and following not in done:
                path.append(following)
                open_lists.append(iter(files[following]))
    return []


def check(root):
    """The complaints about one tree, one line each."""
    files = read_tree(root)
    complaints = []
    for source, includes in files.items():
        parts = source.split("/")
        if len(parts) == 2:  # gradus/gradus.h, the door for users: may name every room
            continue
        if parts[1] not in MAY_INCLUDE:
            complaints.append(f"{source}: room '{parts[1]}' is not in the table of "
                              "tools/check_layers.py; say there what it may include")
        for target in includes:
            if not target.startswith("gradus/"):
                is_std = re.fullmatch(r"[a-z_0-9]+", target)
                if source.endswith(".h") and not is_std:
                    complaints.append(f"{source}: includes <{target}>; headers need the standard "
                                      "library and gradus alone; move it into a .cpp file")
            elif target not in files:
                complaints.append(f"{source}: includes <{target}>, which does not exist")
            elif target.count("/") == 1:
                complaints.append(f"{source}: includes <{target}>, the door for users; "
                                  "include the headers it needs")
            elif not allowed(source, target):
                may = ", ".join(sorted(MAY_INCLUDE.get(parts[1], ()))) or "the standard library only"
                complaints.append(f"{source}: includes <{target}>; {parts[1]} may include: {may}")
    cycle = find_cycle(files)
    if cycle:
        complaints.append("circular includes: " + " -> ".join(cycle))
    return len(files), complaints


def self_test():
    """Good and bad trees, with the number of complaints that each must draw."""
    trees = [
        ("empty", {}, 0),
        ("good", {"ops/a.h": "gradus/core/b.h", "core/b.h": "vector"}, 0),
        ("kernel knows dtype", {"kernels/a.h": "gradus/core/dtype.h", "core/dtype.h": "vector"}, 0),
        ("kernel knows tensor", {"kernels/a.h": "gradus/core/b.h", "core/b.h": "vector"}, 1),
        ("core looks up", {"core/a.h": "gradus/ops/b.h", "ops/b.h": "vector"}, 1),
        ("nn looks at autograd", {"nn/a.cpp": "gradus/autograd/b.h", "autograd/b.h": "span"}, 1),
        ("optim looks at nn", {"optim/a.h": "gradus/nn/b.h", "nn/b.h": "span"}, 1),
        ("train looks at see", {"train/a.cpp": "gradus/see/b.h", "see/b.h": "span"}, 1),
        ("unknown room", {"attic/a.h": "vector"}, 1),
        ("missing header", {"core/a.h": "gradus/core/nowhere.h"}, 1),
        ("through the users' door", {"nn/a.cpp": "gradus/gradus.h", "gradus.h": ""}, 1),
        ("library in a header", {"io/a.h": "nlohmann/json.hpp"}, 1),
        ("library in a source", {"io/a.cpp": "nlohmann/json.hpp"}, 0),
        ("circle of two", {"core/a.h": "gradus/core/b.h", "core/b.h": "gradus/core/a.h"}, 1),
        ("circle of one", {"core/a.h": "gradus/core/a.h"}, 1),
    ]
    failures = 0
    for name, tree, expected in trees:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for file, include in tree.items():
                path = root / "gradus" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"#pragma once\n#include <{include}>\n" if include else "")
            found = check(root)[1]
        if len(found) != expected:
            failures += 1
            print(f"FAILED {name}: expected {expected} complaints, got {found}")
    print(f"check_layers self-test: {len(trees) - failures} passed, {failures} failed")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = pathlib.Path(sys.argv[1]) if sys.argv[1:] else pathlib.Path(__file__).parent.parent
    if not (root / "gradus").is_dir():
        print(f"check_layers: no folder gradus/ in {root}; give the root of the project",
              file=sys.stderr)
        return 2
    count, complaints = check(root)
    print("\n".join(complaints + [f"check_layers: {count} files, {len(complaints)} complaints"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
