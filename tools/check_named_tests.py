#!/usr/bin/env python3
"""Tests that documentation names and that do not exist: `Suite.Name` in a page of docs/.

`check_named_tests.py [ROOT]` checks a tree; `check_named_tests.py --self-test` feeds it texts.
"""
import pathlib
import re
import sys

import self_test

DEFINED = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)|\badd_test\(NAME ([\w.]+)")
NAMED = re.compile(r"`([A-Z]\w+\.[A-Z]\w+|(?:tools|instructions|install|core)\.\w+)`")


def defined(text):
    """The tests that a source or a CMake file makes."""
    return {m[3] or f"{m[1]}.{m[2]}" for m in DEFINED.finditer(text)}


def missing(page, tests):
    """The names in a page that are no tests."""
    return [m[1] for m in NAMED.finditer(page) if m[1] not in tests]


def test_itself():
    tests = defined("TEST(Tape, Grows) {}\nTEST_F(\n    Step, Back) {}\nadd_test(NAME tools.check\n COMMAND x)")
    cases = [
        ("`Tape.Grows`, `Step.Back` and `tools.check`", []),
        ("`Tape.Shrinks` beside `Tape.Grows`", ["Tape.Shrinks"]),
        ("`tools.other`", ["tools.other"]),
        ("`x.shape`, `run.tape`, Tape.Shrinks", []),
    ]
    return self_test.report("check_named_tests", cases, lambda page: missing(page, tests))


def main():
    if sys.argv[1:] == ["--self-test"]:
        return test_itself()
    root = pathlib.Path(sys.argv[1]) if sys.argv[1:] else pathlib.Path(__file__).parent.parent
    tests = set()
    for pattern in ("*.cpp", "CMakeLists.txt"):
        for file in (root / "tests").rglob(pattern):
            tests |= defined(file.read_text(encoding="utf-8"))
    pages = sorted((root / "docs").rglob("*.md"))
    named = 0
    complaints = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        named += len(NAMED.findall(text))
        complaints += [f"{page.relative_to(root)}: there is no test '{name}'"
                       for name in missing(text, tests)]
    print("\n".join(complaints + [f"check_named_tests: {named} names, {len(complaints)} complaints"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
