#!/bin/sh
# run.sh GDB PROGRAM PRINTERS: a session of a real gdb over program.cpp, held against expected.txt.
# 77, skipped, where there is no gdb or where it may not run programs.
here=$(dirname "$0")
if ! command -v "$1" >/dev/null; then
  echo "skipped: gdb is not installed"
  exit 77
fi
said=$("$1" -nx -batch -ex "source $3" -x "$here/session.gdb" "$2" 2>&1)
case $said in
*ptrace*"not permitted"* | *"without Python"* | *"Could not trace"*)
  echo "skipped: this gdb may not run programs here, or has no Python"
  exit 77
  ;;
esac
# What gdb itself says about where it is differs from version to version.
answers=$(printf '%s\n' "$said" | grep -E '^(== |\$|  |\})')
if [ "$answers" = "$(cat "$here/expected.txt")" ]; then
  exit 0
fi
printf '%s\n' "$answers" | diff "$here/expected.txt" - || true
printf 'the whole session:\n%s\n' "$said"
exit 1
