#!/bin/sh
# Generates the client into ./varve from the proto files of this repository. Needs: pip install grpcio grpcio-tools
set -eu
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m grpc_tools.protoc -I ../../proto --python_out="${OUT:-.}" --grpc_python_out="${OUT:-.}" \
  ../../proto/varve/v1/common.proto ../../proto/varve/v1/log.proto ../../proto/varve/v1/admin.proto \
  ../../proto/varve/v1/groups.proto
