#!/usr/bin/env bash
# Fails when a generated file is older than its source, or go.mod is not tidy.
# The fresh text is left in the tree: look at the diff and commit it.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}

# sums prints one line for each generated file: those that say so in their first
# lines, and the folders that hold nothing else.
sums() {
  {
    git grep --untracked -lE '^(//|#|--) Code generated .* DO NOT EDIT' -- '*.go' || true
    find api docs/reference -type f 2>/dev/null || true
  } | sort -u | xargs -r sha256sum
}

before=$(sums)
"$go" generate ./...
after=$(sums)
if [ "$before" != "$after" ]; then
  echo "generated files were not current; the fresh text is now in the tree:" >&2
  diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") | awk '/^[<>]/ {print "  " $3}' | sort -u >&2
  exit 1
fi

"$go" mod verify
"$go" mod tidy -diff
