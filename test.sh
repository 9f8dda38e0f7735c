#!/usr/bin/env bash
# Style, types and the whole test suite. The container tests run where a Docker engine answers;
# --container insists on them and starts an engine if need be. Further arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")"
source .ci/venv.sh
source .ci/engine.sh

insist=no
if [[ ${1:-} == --container ]]; then
    insist=yes
    shift
fi

make_venv
.venv/bin/ruff check .
.venv/bin/mypy
.venv/bin/mypy process.py training/train.py

if [[ $insist == yes ]]; then
    trap stop_engine EXIT
    engine_answers || start_engine
fi
if ! engine_answers; then
    echo "Container tests are left out: no Docker engine answers here (./test.sh --container starts one)."
elif [[ -n ${BASE_IMAGE:-} ]] || default_base_image_is_there; then
    export HNSEG_CONTAINER_TESTS=yes
elif images=$(.ci/base_image.sh); then
    read -r BASE_IMAGE BUILD_IMAGE <<<"$images"
    export BASE_IMAGE BUILD_IMAGE HNSEG_CONTAINER_TESTS=yes
elif [[ $insist == yes ]]; then
    exit 1
else
    echo "Container tests are left out: there is no base image to build on (./test.sh --container insists on them)."
fi
.venv/bin/python -m pytest "$@"
