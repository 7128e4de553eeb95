#!/usr/bin/env bash
# Java 17 and Maven for the real broker of the tests, on Debian: does nothing when both are there.
set -euo pipefail

if command -v java >/dev/null && command -v mvn >/dev/null; then
  exit 0
fi
source "$(dirname "$0")/../debian.sh"
ask_or_be_root_on_debian "Java 17 and Maven." "Install them (Debian: openjdk-17-jre-headless maven)"
install_packages openjdk-17-jre-headless maven
