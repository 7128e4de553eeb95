#!/usr/bin/env bash
# libfiu for the fault tests, on Debian: it makes system calls of a process fail. Does nothing when it is there.
set -euo pipefail

if command -v fiu-run >/dev/null && command -v fiu-ctrl >/dev/null; then
  exit 0
fi
source "$(dirname "$0")/../debian.sh"
ask_or_be_root_on_debian "libfiu." "Install it (Debian: fiu-utils)"
install_packages fiu-utils libfiu0
