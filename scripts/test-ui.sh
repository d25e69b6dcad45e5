#!/bin/sh
# Runs the unit tests of the web interface and its main paths in a browser where
# Node is new enough, and says loudly when they were left out: the program itself
# needs no Node.
set -eu
leave() {
	echo "SKIPPED: the tests of the web interface: $1" >&2
	[ "${STRICT_UI:-}" = 1 ] && exit 1
	exit 0
}
command -v npm >/dev/null 2>&1 || leave "there is no npm (install nodejs 20.19 or newer, and npm)"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
	leave "Node $(node --version) is older than 20.19"
make --no-print-directory ui-test ui-main
