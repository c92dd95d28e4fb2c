#!/usr/bin/env bash
# Installs into a scratch folder, then builds and runs a consumer through find_package and through pkg-config.
# run.sh BUILD_FOLDER COMPILER FLAGS
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 compiler=$2 flags=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/log"
cmake -S "$here" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" >>"$scratch/log"
cmake --build "$scratch/build" >>"$scratch/log"
found=$("$scratch/build/consumer")
[ "$found" = "[2., 4., 6.]" ] || { echo "the consumer printed '$found'" >&2; exit 1; }
pc=$(dirname "$(find "$scratch/prefix" -name gradus.pc)")
# shellcheck disable=SC2046
PKG_CONFIG_PATH=$pc bash -c "$compiler $flags $here/consumer.cpp -o $scratch/by_pkg_config \$(pkg-config --cflags --libs --static gradus)"
[ "$("$scratch/by_pkg_config")" = "[2., 4., 6.]" ]
"$scratch/prefix/bin/gradus" --version
