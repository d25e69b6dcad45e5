#!/usr/bin/env bash
# Runs every fuzz target of the tree, one after another, for the time given.
# Go fuzzes one target of one package per call, so the targets are found here.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
fuzztime=${1:-10s}

count=0
while IFS=: read -r file line; do
  name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/' <<<"$line")
  dir=$(dirname "$file")
  echo "== ./$dir $name"
  "$go" test "./$dir" -run '^$' -fuzz "^${name}\$" -fuzztime "$fuzztime"
  count=$((count + 1))
done < <(git grep --untracked -E '^func Fuzz[A-Za-z0-9_]*\(' -- '*_test.go')

echo "$count fuzz targets, $fuzztime each"
[ "$count" -gt 0 ] || { echo "no fuzz target found: this is a fault of the script or of the tree" >&2; exit 1; }
