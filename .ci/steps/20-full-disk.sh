#!/usr/bin/env bash
# a full disk, on a small tmpfs
set -euo pipefail
directory=$(mktemp -d)
if ! mount -t tmpfs -o size=192m varve-full-disk "$directory" 2>/dev/null; then
  rmdir "$directory"
  echo "Mounting is not allowed here: skipped (npm test covers the same with injected faults)."
  exit 0
fi
trap 'umount "$directory"; rmdir "$directory"' EXIT
VARVE_SMALL_DISK="$directory" npx vitest run test/e2e/src/full-disk.test.ts
RAFT_SMALL_DISK="$directory" npx vitest run packages/raft-ts/src/storage/ballast.test.ts
