#!/usr/bin/env bash
# PostgreSQL for the tests, on Debian: does nothing when its programs are there. The tests run a cluster of their own.
set -euo pipefail

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
source "$(dirname "$0")/../debian.sh"
ask_or_be_root_on_debian "PostgreSQL 15 or later." "Install it (Debian: postgresql)"
# Debian's package would make and start a cluster of the system's; the tests make their own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
  echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
install_packages postgresql
