#!/usr/bin/env python3
"""Using-declarations that nothing uses: `using a::b;` in a .cpp file that never says b again.

clang-tidy's misc-unused-using-decls does not look into files that others include, and ./dev lint
reads a dozen files joined into one. `check_usings.py [ROOT]` checks a tree; `check_usings.py
--self-test` feeds it texts.
"""
import pathlib
import re
import sys

import self_test

USING = re.compile(r"^[ \t]*using (?!namespace\b)[\w:]*::(\w+);[^\n]*$", re.MULTILINE)
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def unused(source):
    """The names that `source` takes in and does not use."""
    code = COMMENT_OR_TEXT.sub("", source)
    rest = USING.sub("", code)
    return [m[1] for m in USING.finditer(code)
            if m[1] != m[0].split("::")[-2].strip()  # `using Base::Base;` takes constructors over
            and not re.search(rf"\b{m[1]}\b", rest)]


def test_itself():
    cases = [
        ("using std::min;\nint a = min(1, 2);\n", []),
        ("using std::min;\nint a = 1;  // min\n", ["min"]),
        ("using std::min;\nint a = minimum(1);\n", ["min"]),
        ('  using gradus::see::at;\n  say("at");\n', ["at"]),
        ("using namespace std;\n", []),
        ("using X = std::vector<int>;\n", []),
        ("struct A : B {\n  using B::B;\n};\n", []),
        ("using std::max;\nusing std::min;\nint a = max(1, 2);\n", ["min"]),
    ]
    return self_test.report("check_usings", cases, unused)


def main():
    if sys.argv[1:] == ["--self-test"]:
        return test_itself()
    root = pathlib.Path(sys.argv[1]) if sys.argv[1:] else pathlib.Path(__file__).parent.parent
    files = [f for folder in ("gradus", "apps") for f in sorted((root / folder).rglob("*.cpp"))]
    complaints = [f"{f.relative_to(root)}: 'using ...::{name}' is not used"
                  for f in files for name in unused(f.read_text(encoding="utf-8"))]
    print("\n".join(complaints + [f"check_usings: {len(files)} files, {len(complaints)} complaints"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
