#!/usr/bin/env bash
# Installs what the tests need besides Go, by apt-get, and only what is missing:
# PostgreSQL (15 or later) and PgBouncer, which the tests start themselves on free
# ports and private folders, so no service of the system is made or started;
# Python, with whose answers those of our expressions are compared; and, where npm is
# there to drive it, Chromium.
# When everything is there this looks at a few files and ends.
set -euo pipefail

missing=()
# postgresql is looked for where Debian keeps it and, for other systems, on PATH.
newest=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sed -E 's|.*/postgresql/([0-9]+)/.*|\1|' | sort -n | tail -1)
if [ "${newest:-0}" -lt 15 ] && ! command -v postgres >/dev/null; then missing+=(postgresql); fi
# Debian keeps pgbouncer in sbin, which is not on everybody's PATH.
if ! PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null; then missing+=(pgbouncer); fi
if ! command -v python3 >/dev/null; then missing+=(python3); fi
if command -v npm >/dev/null && [ -z "${CHROMIUM_BIN:-}" ] && ! command -v chromium >/dev/null &&
  ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then missing+=(chromium); fi
[ ${#missing[@]} -gt 0 ] || exit 0

echo "setup-test: the tests need ${missing[*]}, which this machine lacks" >&2
if ! command -v apt-get >/dev/null; then
  echo "setup-test: there is no apt-get here; install ${missing[*]} by hand and run again" >&2
  exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "setup-test: installing needs root and there is no sudo; run as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  root=(sudo)
fi

# Debian makes a cluster and starts services when such packages are installed.
# Two files forbid that while we install, and go away afterwards; a file that
# the machine had before is left as it is.
conf=/etc/postgresql-common/createcluster.d/fleet-setup-test.conf
policy=/usr/sbin/policy-rc.d
made=("$conf")
cleanup() { "${root[@]}" rm -f "${made[@]}"; }
trap cleanup EXIT
"${root[@]}" mkdir -p "$(dirname "$conf")"
echo 'create_main_cluster = false' | "${root[@]}" tee "$conf" >/dev/null
if [ ! -e "$policy" ]; then
  made+=("$policy")
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
  "${root[@]}" chmod 755 "$policy"
fi

install() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}
echo "setup-test: apt-get install ${missing[*]}" >&2
install || {
  echo "setup-test: the list of packages may be old: apt-get update, then once more" >&2
  "${root[@]}" apt-get update -q >&2
  install
}
echo "setup-test: installed ${missing[*]}; nothing of it was started" >&2
