#!/usr/bin/env bash
# Prometheus, Alertmanager and their tools for the tests, from Debian's packages: unpacked into build/prometheus and
# not installed, so that no service is set up or started on this machine. Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=build/prometheus/usr/bin
programs="prometheus promtool prometheus-alertmanager amtool"
templates=/usr/share/prometheus/alertmanager  # Debian's Alertmanager reads them there and nowhere else

complete() {
  for program in $programs; do [ -x "$bin/$program" ] || return 1; done
  [ -e $templates/default.tmpl ]
}

if complete; then
  exit 0
fi
# shellcheck disable=SC2086 # four names
if installed=$(command -v $programs) && [ "$(wc -l <<<"$installed")" -eq 4 ]; then
  mkdir -p $bin
  xargs ln -sft $bin <<<"$installed"
  exit 0
fi
source docker/debian.sh
ask_or_be_root_on_debian "$programs." "Install them (Debian: prometheus prometheus-alertmanager)"
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT
chmod 0777 "$fetched"  # apt fetches as a user of its own
apt-get update -qq
(cd "$fetched" && apt-get download -qq prometheus prometheus-alertmanager)
mkdir -p build/prometheus
for package in "$fetched"/*.deb; do
  dpkg-deb --extract "$package" build/prometheus
done
mkdir -p $templates
cp -r build/prometheus$templates/. $templates
complete
