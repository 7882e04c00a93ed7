#!/usr/bin/env bash
# strace of a produce: write, sync, acknowledgement, in this order
set -euo pipefail
if ! command -v strace >/dev/null; then
  apt-get install -y -q strace >/dev/null 2>&1 || { apt-get update -q >/dev/null && apt-get install -y -q strace >/dev/null; }
fi
node --import tsx scripts/strace-produce.ts
