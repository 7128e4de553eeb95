#!/usr/bin/env bash
# Podman, buildah and debootstrap for the test of the images, on Debian: does nothing when all are there.
set -euo pipefail

if command -v podman >/dev/null && command -v buildah >/dev/null && command -v runc >/dev/null \
  && command -v debootstrap >/dev/null; then
  exit 0
fi
source "$(dirname "$0")/../debian.sh"
ask_or_be_root_on_debian "podman, buildah, runc and debootstrap." "Install them (Debian: packages of these names)"
install_packages podman buildah runc debootstrap
