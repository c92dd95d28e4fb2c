#!/usr/bin/env bash
# Installs gradus into a scratch folder, then builds and runs the ten-line consumer beside this file
# twice, as a stranger would: through find_package and through pkg-config.
# Usage: run.sh BUILD_FOLDER COMPILER CXX_FLAGS   (the flags carry a sanitizer, if there is one)
set -euo pipefail

build=$1 compiler=$2 flags=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

quietly() {  # what failed is shown, what worked is not
  if ! "$@" >"$scratch/log" 2>&1; then
    echo "failed: $*" && cat "$scratch/log" && exit 1
  fi
}

quietly cmake --install "$build" --prefix "$scratch/prefix"

quietly cmake -G Ninja -S "$here" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_BUILD_TYPE=Release
quietly cmake --build "$scratch/consumer"
"$scratch/consumer/consumer"
echo "find_package(gradus): builds and runs"

[ -n "$(find "$scratch/prefix" -path '*/gradus/gdb/gradus.py')" ] || { echo "no printers for gdb were installed" && exit 1; }

pc=$(find "$scratch/prefix" -name gradus.pc)
[ -n "$pc" ] || { echo "no gradus.pc was installed" && exit 1; }
export PKG_CONFIG_PATH=${pc%/*}
# shellcheck disable=SC2046,SC2086  # the flags are several words by intent
quietly "$compiler" $flags -O1 $(pkg-config --cflags gradus) "$here/consumer.cpp" \
  -o "$scratch/consumer-pc" $(pkg-config --static --libs gradus)
"$scratch/consumer-pc"
echo "pkg-config gradus: builds and runs"

# The README's examples are promises too. The second takes the place of the first one's loop.
cpp_block() {  # the program text of the n-th block of C++
  awk -v n="$1" '/^```cpp$/ {on = ++block == n; next} /^```$/ {on = 0} on' "$here/../../README.md"
}
cpp_block 1 >"$scratch/readme1.cpp"
{
  echo '#include <iostream>'
  sed '/for (int epoch/,$d' "$scratch/readme1.cpp"
  cpp_block 2
  echo '}'
} >"$scratch/readme2.cpp"
for example in readme1 readme2; do
  grep -q 'int main' "$scratch/$example.cpp" || { echo "the README has no program" && exit 1; }
  # shellcheck disable=SC2046,SC2086
  quietly "$compiler" $flags -O1 $(pkg-config --cflags gradus) "$scratch/$example.cpp" \
    -o "$scratch/$example" $(pkg-config --static --libs gradus)
  (cd "$scratch" && quietly "./$example")
done
echo "README: its examples build and run"
