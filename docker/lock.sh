#!/usr/bin/env bash
# Writes docker/requirements.txt and docker/build-requirements.txt anew: what the images are installed from, by hash.
# Run it when dependencies or constraints.txt change; a test says when that was forgotten.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {  # FILE SOURCE WHAT
  {
    echo "# $3: each by its hash, in the versions of constraints.txt. Written by docker/lock.sh."
    .venv/bin/uv pip compile "$2" -c constraints.txt --python-version 3.11 --universal \
      --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
  } >"$1.new"
  mv "$1.new" "$1"
}

lock docker/requirements.txt pyproject.toml "What the images run"
lock docker/build-requirements.txt docker/build.in "What builds their wheel"
