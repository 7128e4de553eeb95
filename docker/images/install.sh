#!/usr/bin/env bash
# Podman, buildah and debootstrap for the test of the images, on Debian: does nothing when all are there.
set -euo pipefail

if command -v podman >/dev/null && command -v buildah >/dev/null && command -v runc >/dev/null \
  && command -v debootstrap >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: podman, buildah, runc and debootstrap. Install them (Debian: packages of these names), then try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends podman buildah runc debootstrap >/dev/null
