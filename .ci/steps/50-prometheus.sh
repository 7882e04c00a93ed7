#!/usr/bin/env bash
# a real Prometheus: three nodes scraped, every query of the dashboard answered, every alert rule evaluated
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
prometheus=$(command -v prometheus || true)
if [ -z "$prometheus" ]; then
  cd "$directory"
  apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }
  dpkg -x prometheus_*.deb .
  cd - >/dev/null
  prometheus=$directory/usr/bin/prometheus
fi
node --import tsx scripts/check-prometheus.ts "$prometheus"
