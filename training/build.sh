#!/usr/bin/env bash
# Builds the image "hnseg-train" on the image "hnseg", which is built first if it is not there. Further arguments go to
# docker build. BASE_IMAGE and BUILD_IMAGE as in ../build.sh, INFERENCE_IMAGE names another inference image, DOCKER the
# command (docker).
set -euo pipefail
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}

arguments=()
for name in BASE_IMAGE BUILD_IMAGE INFERENCE_IMAGE; do
    if [[ -n ${!name:-} ]]; then arguments+=(--build-arg "$name=${!name}"); fi
done
[[ -n ${INFERENCE_IMAGE:-} ]] || "$docker" image inspect hnseg >/dev/null 2>&1 || ./build.sh "$@"
"$docker" build --tag hnseg-train --file training/Dockerfile "${arguments[@]}" "$@" .
