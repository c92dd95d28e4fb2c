"""What the self-tests of these tools share."""


def report(tool, cases, check):
    """Feeds `check` the text of each (text, wanted) and tells what it gave instead; 1 if anything."""
    found = [(text, wanted, check(text)) for text, wanted in cases]
    failures = [case for case in found if case[1] != case[2]]
    for text, wanted, got in failures:
        print(f"FAILED {text!r}: expected {wanted}, got {got}")
    print(f"{tool} self-test: {len(cases) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0
