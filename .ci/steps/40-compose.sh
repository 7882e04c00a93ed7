#!/usr/bin/env bash
# three nodes in containers: the leader is killed between two loads, everything is replayed
set -euo pipefail
if ! docker info >/dev/null 2>&1 && [ -n "${DOCKER_ENGINE:-}" ]; then
  trap '"$DOCKER_ENGINE" down' EXIT
  # When no engine can run here the test says so, and fails.
  "$DOCKER_ENGINE" up || true
fi
# The image is built from the registry that this machine uses.
NPM_CONFIG_REGISTRY=${NPM_CONFIG_REGISTRY:-$(npm config get registry 2>/dev/null)}
export NPM_CONFIG_REGISTRY
CI=true npm run --silent test:compose
