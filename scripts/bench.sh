#!/usr/bin/env bash
# Runs the benchmarks of every package that has some. Packages are taken one by
# one, since two benchmarks on one machine measure each other.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
benchtime=${1:-1s}

git grep --untracked -lE '^func Benchmark[A-Za-z0-9_]*\(' -- '*_test.go' |
  xargs -r -n1 dirname | sort -u |
  while read -r dir; do
    echo "== ./$dir"
    "$go" test "./$dir" -run '^$' -bench . -benchmem -benchtime "$benchtime" -timeout 60m
  done
