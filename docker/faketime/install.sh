#!/usr/bin/env bash
# A clock that a test can set for one process (faketime), on Debian: does nothing when it is there.
set -euo pipefail

if command -v faketime >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: faketime. Install it (Debian: faketime), then try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends faketime >/dev/null
