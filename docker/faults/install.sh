#!/usr/bin/env bash
# libfiu for the fault tests, on Debian: it makes system calls of a process fail. Does nothing when it is there.
set -euo pipefail

if command -v fiu-run >/dev/null && command -v fiu-ctrl >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: libfiu. Install it (Debian: fiu-utils), then try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends fiu-utils libfiu0 >/dev/null
