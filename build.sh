#!/usr/bin/env bash
# Builds the image "hnseg". Further arguments go to docker build, e.g. --build-arg TORCH_INDEX=... (see Dockerfile).
# BASE_IMAGE and BUILD_IMAGE choose what it starts from, DOCKER the command (docker).
set -euo pipefail
cd "$(dirname "$0")"

arguments=()
for name in BASE_IMAGE BUILD_IMAGE; do
    if [[ -n ${!name:-} ]]; then arguments+=(--build-arg "$name=${!name}"); fi
done
"${DOCKER:-docker}" build --tag hnseg "${arguments[@]}" "$@" .
