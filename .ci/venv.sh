# shellcheck shell=bash
# Sourced from the repository root: make_venv brings .venv up to date with requirements.txt and pyproject.toml.
source .ci/need.sh

make_venv() {
    local wanted stamp=.venv/hnseg.installed
    wanted=$(cat requirements.txt training/requirements.txt pyproject.toml | sha256sum)
    [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
    need python3 python3
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "HNSeg needs Python 3.11 or newer; this machine's python3 is $(python3 --version)." >&2
        return 1
    fi
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        # Debian ships python3 without the module that puts pip into a virtual environment
        python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv
        python3 -m venv --clear .venv
    fi
    echo "Installing HNSeg and its pinned requirements into .venv (minutes the first time)"
    # everything, and what that needs in turn, in the versions of the two images
    .venv/bin/python -m pip install -qq --constraint requirements.txt --constraint training/requirements.txt \
        --editable '.[train,dev]'
    echo "$wanted" >"$stamp"
}
