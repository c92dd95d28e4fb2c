#!/usr/bin/env python3
"""Instructions of the lesson's step and of one operation, as callgrind counts them, against those
recorded in tests/instructions/expected.json. Unlike times they do not depend on what else the
machine does, so a change that costs more than 2 % fails.

  tools/instructions.py check  PROGRAM COMPILER   (the test instructions.as_recorded)
  tools/instructions.py accept PROGRAM COMPILER   records what is counted now, on purpose
  tools/instructions.py hooks  PROGRAM UNHOOKED   what observers cost: nobody watching at most 1 %
                        more than the same program built without hooks; and a recorder of statistics:
                        at most 10 % of the lesson's step of 1000 rows (the test instructions.hooks)

Callgrind shows the program an AVX2 machine, so AVX-512's kernels are not what is counted. Other
compilers make other code: with another COMPILER than the recorded one, check says so and exits 77.
"""
import json
import pathlib
import re
import subprocess
import sys

EXPECTED = pathlib.Path(__file__).parent.parent / "tests/instructions/expected.json"
LIMIT = 0.02
TIMES = {"lesson step, compiled": (10, 40), "lesson step, eager": (10, 40)}
OTHERWISE = (2000, 22000)
SKIPPED = 77


def instructions(program, thing, times):
    """Of the whole process that does the thing so many times."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, thing, str(times)],
        capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"callgrind failed on '{thing}':\n{done.stderr[-2000:]}")
    return int(found[1])


def count(program):
    things = subprocess.run([program, "?", "0"], capture_output=True, text=True).stdout.splitlines()
    counted = {}
    for thing in things:
        few, many = TIMES.get(thing, OTHERWISE)
        counted[thing] = round((instructions(program, thing, many) - instructions(program, thing, few)) / (many - few))
    return counted


def check(counted, expected):
    """Prints a table; the things that cost too much."""
    worse = [thing for thing, n in counted.items() if n > expected.get(thing, 0) * (1 + LIMIT)]
    print(f"{'instructions of':32} {'recorded':>12} {'now':>12} {'change':>8}")
    for thing, now in counted.items():
        before = expected.get(thing, 0)
        change = f"{100 * (now / before - 1):+.1f} %" if before else "new"
        print(f"{thing:32} {before:12,} {now:12,} {change:>8}{'  too much' if thing in worse else ''}")
    return worse


def of_one(program, thing, few, many):
    return (instructions(program, thing, many) - instructions(program, thing, few)) / (many - few)


def hooks(program, unhooked):
    """Two ratios of instructions, both of the same sources, so that no compiler is expected."""
    eager = "lesson step, eager"
    # Starting takes some ten thousand instructions more or less each time: thirty steps of two
    # million drown them, and so does one of 23 million, which takes valgrind four seconds.
    rows = [
        ("nobody watching", 0.01, of_one(unhooked, eager, 10, 40), of_one(program, eager, 10, 40)),
        ("statistics", 0.10, of_one(program, "lesson 13", 1, 2), of_one(program, "lesson 13, recorded", 1, 2)),
    ]
    failed = [name for name, limit, before, now in rows if now > before * (1 + limit)]
    print(f"{'':16} {'without':>14} {'with':>14} {'costs':>8} {'limit':>6}")
    for name, limit, before, now in rows:
        print(f"{name:16} {before:14,.0f} {now:14,.0f} {100 * (now / before - 1):+7.2f}% {100 * limit:5.0f}%")
    if failed:
        sys.exit(f"watching costs too much: {'; '.join(failed)}")


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("check", "accept", "hooks"):
        sys.exit(__doc__)
    _, what, program, compiler = sys.argv
    if what == "hooks":
        return hooks(program, compiler)
    record = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {"compiler": compiler, "instructions": {}}
    if what == "check" and record["compiler"] != compiler:
        print(f"recorded with {record['compiler']}, built with {compiler}: not compared")
        sys.exit(SKIPPED)
    counted = count(program)
    worse = check(counted, record["instructions"])
    if what == "accept":
        EXPECTED.write_text(json.dumps({"compiler": compiler, "instructions": counted}, indent=2) + "\n")
        print(f"recorded in {EXPECTED.relative_to(EXPECTED.parents[2])}")
    elif worse:
        sys.exit(f"more than {100 * LIMIT:.0f} % up: {'; '.join(worse)}. Find out why; if it is worth it, record it "
                 f"with `tools/instructions.py accept {program} {compiler}` and say why in the commit.")


if __name__ == "__main__":
    main()
