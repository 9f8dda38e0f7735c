# shellcheck shell=bash
# Sourced: a Docker engine for the container tests. One that answers is used as it is.
source .ci/need.sh

engine_answers() {
    "${DOCKER:-docker}" info >/dev/null 2>&1
}

# Starts an engine and sets engine_pid; stop_engine ends exactly that one.
start_engine() {
    need dockerd docker.io
    need docker docker-cli
    # installing the package may have started the system's own engine
    engine_answers && return
    mkdir -p build
    # images are built in the host's network and the container runs in none, so no bridge and no packet filter is needed
    setsid dockerd --bridge=none --iptables=false >build/dockerd.log 2>&1 </dev/null &
    engine_pid=$!
    local _
    for _ in {1..120}; do
        engine_answers && return
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 0.5
    done
    echo "The Docker engine did not start; the end of build/dockerd.log says:" >&2
    tail -n 5 build/dockerd.log >&2
    return 1
}

stop_engine() {
    [[ -n ${engine_pid:-} ]] || return 0
    kill "$engine_pid" 2>/dev/null || true
    wait "$engine_pid" 2>/dev/null || true
}

# Whether the image that the Dockerfile starts from is here or can be had.
default_base_image_is_there() {
    local image
    image=$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)
    "${DOCKER:-docker}" image inspect "$image" >/dev/null 2>&1 ||
        timeout 300 "${DOCKER:-docker}" pull --quiet "$image" >/dev/null 2>&1
}
