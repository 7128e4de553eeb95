#!/usr/bin/env bash
# A clock that a test can set for one process (faketime), on Debian: does nothing when it is there.
set -euo pipefail

if command -v faketime >/dev/null; then
  exit 0
fi
source "$(dirname "$0")/../debian.sh"
ask_or_be_root_on_debian "faketime." "Install it (Debian: faketime)"
install_packages faketime
