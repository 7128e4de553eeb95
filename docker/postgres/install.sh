#!/usr/bin/env bash
# PostgreSQL for the tests, on Debian: does nothing when its programs are there. The tests run a cluster of their own.
set -euo pipefail

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: PostgreSQL 15 or later. Install it (Debian: postgresql), then try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Debian's package would make and start a cluster of the system's; the tests make their own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
  echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
apt-get update -qq
apt-get install -y -qq --no-install-recommends postgresql >/dev/null
