#!/usr/bin/env python3
"""Who may include whom: reads the #include lines of gradus/ and holds them against the plan of the house.

Also finds circular includes. With --self-test it checks itself on a small wrong tree."""
import re
import sys
import tempfile
from pathlib import Path

# A folder may include itself and these. (docs/design/0001-the-house.md says why.)
BELOW_OPS = {"ops", "program", "kernels", "core"}
ALLOWED = {
    "core": set(),
    "kernels": {"core"},  # core/dtype.h alone, see KERNEL_HEADERS
    "program": {"core"},
    "ops": {"program", "kernels", "core"},
    "autograd": BELOW_OPS,
    "io": BELOW_OPS,
    "nn": BELOW_OPS,
    "optim": {"ops", "core", "program"},
    "data": {"io", "core"},
    "train": {"nn", "optim", "data", "autograd", "io"} | BELOW_OPS,
}
KERNEL_HEADERS = {"core/dtype.h", "core/error.h"}
INCLUDE = re.compile(r'^\s*#include\s+[<"](gradus/[^>"]+|apps/[^>"]+|tests/[^>"]+)[>"]', re.M)


def includes(path):
    return INCLUDE.findall(path.read_text())


def check(root):
    problems = []
    graph = {}
    for path in sorted((root / "gradus").rglob("*.[hc]*")):
        name = path.relative_to(root).as_posix()
        parts = name.split("/")
        graph[name] = includes(path)
        if len(parts) < 3:  # gradus/gradus.h is the whole
            continue
        room = parts[1]
        if room not in ALLOWED:
            problems.append(f"{name}: the folder gradus/{room} is not in the plan")
            continue
        for target in graph[name]:
            if not target.startswith("gradus/"):
                problems.append(f"{name} includes {target}: the library does not know the command or the tests")
                continue
            other = target.split("/")[1]
            if other != room and other not in ALLOWED[room]:
                problems.append(f"{name} includes {target}: {room} may include {sorted(ALLOWED[room]) or 'nothing'}")
            if room == "kernels" and other == "core" and target.removeprefix("gradus/") not in KERNEL_HEADERS:
                problems.append(f"{name} includes {target}: kernels know pointers, sizes and strides only")
    problems += cycles(graph)
    return problems


def cycles(graph):
    done, on_path, found = set(), [], []

    def visit(name):
        if name in on_path:
            found.append("circular include: " + " -> ".join(on_path[on_path.index(name):] + [name]))
            return
        if name in done or name not in graph:
            return
        on_path.append(name)
        for target in graph[name]:
            visit(target)
        on_path.pop()
        done.add(name)

    for name in graph:
        visit(name)
    return found


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {
            "gradus/core/a.h": "#include <gradus/ops/b.h>\n",
            "gradus/ops/b.h": "#include <gradus/core/a.h>\n",
            "gradus/kernels/k.h": "#include <gradus/core/tensor.h>\n",
            "gradus/nn/m.h": "#include <gradus/autograd/x.h>\n#include <gradus/ops/b.h>\n",
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        problems = check(root)
        wanted = ["core/a.h includes gradus/ops", "kernels know pointers", "nn/m.h includes gradus/autograd", "circular include"]
        for words in wanted:
            if not any(words in problem for problem in problems):
                sys.exit(f"check_layers: the wrong tree was not noticed: {words}; said {problems}")
        if len(problems) != len(wanted):
            sys.exit(f"check_layers: said too much: {problems}")


def main():
    if "--self-test" in sys.argv:
        self_test()
    problems = check(Path(__file__).resolve().parent.parent)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
