# shellcheck shell=bash
# Sourced: need COMMAND PACKAGE installs a Debian package when its command is missing and we are allowed to.

packages_listed=no

install_package() {
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        echo "Please install $1 (on Debian: apt-get install $1) and run this again." >&2
        return 1
    fi
    if [[ $packages_listed == no ]]; then
        apt-get update -q >&2
        packages_listed=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$1" >&2
}

need() {
    command -v "$1" >/dev/null || install_package "$2"
}
