#!/usr/bin/env bash
# Prometheus, Alertmanager and their tools for the tests, from Debian's packages: unpacked into build/prometheus and
# not installed, so that no service is set up or started on this machine. Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=build/prometheus/usr/bin
if [ -x $bin/prometheus ] && [ -x $bin/promtool ] && [ -x $bin/prometheus-alertmanager ] && [ -x $bin/amtool ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "missing: Debian's packages prometheus and prometheus-alertmanager. Put the programs prometheus, promtool," >&2
  echo "prometheus-alertmanager and amtool into $bin, then try again." >&2
  exit 1
fi
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT
if [ "$(id -u)" -eq 0 ]; then
  apt-get update -qq
  chmod 0777 "$fetched"  # apt fetches as a user of its own
fi
(cd "$fetched" && apt-get download -qq prometheus prometheus-alertmanager) || {
  echo "cannot fetch Debian's packages prometheus and prometheus-alertmanager: apt-get update, as root, then try again." >&2
  exit 1
}
for package in "$fetched"/*.deb; do
  dpkg-deb --extract "$package" build/prometheus
done
