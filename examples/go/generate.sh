#!/bin/sh
# Generates the client into ./varve (or $OUT/varve) from the proto files of this repository. Needs:
#   go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
#   go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
set -eu
cd "$(dirname "$0")"
"${BUF:-../../node_modules/.bin/buf}" generate ../.. --template buf.gen.yaml --output "${OUT:-.}" \
  --path ../../proto/varve/v1/common.proto --path ../../proto/varve/v1/log.proto --path ../../proto/varve/v1/admin.proto
