#!/usr/bin/env bash
# Java 17 and Maven for the real broker of the tests, on Debian: does nothing when both are there.
set -euo pipefail

if command -v java >/dev/null && command -v mvn >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: Java 17 and Maven. Install them (Debian: openjdk-17-jre-headless maven), then try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless maven >/dev/null
