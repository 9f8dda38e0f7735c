#!/usr/bin/env bash
# Makes the images that build.sh starts from where no registry can be reached, out of this machine's own release, package
# mirror and pip settings, and prints "BASE_IMAGE BUILD_IMAGE". The first is a bare Debian with Python; the second adds what
# pip needs here (certificates, PIP_* variables, the folders of PIP_FIND_LINKS) and never becomes part of the product.
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/need.sh
docker=${DOCKER:-docker}

release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
base=hnseg-debian:$release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! "$docker" image inspect "$base" >/dev/null 2>&1; then
    need debootstrap debootstrap
    # shellcheck disable=SC2016  # apt's own placeholders
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk -v release="$release" '$1 == release { print $2; exit }')
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
        "$release" "$work/root" "$mirror" >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
    tar -C "$work/root" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' \
        --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./proc/*' --exclude='./sys/*' -c . |
        "$docker" import - "$base" >/dev/null
    rm -rf "$work/root"
fi

context=$work/context
certificates=/etc/ssl/certs/ca-certificates.crt
mkdir -p "$context/files$(dirname $certificates)"
cp --dereference "${PIP_CERT:-$certificates}" "$context/files$certificates"
{
    echo "FROM $base"
    echo "COPY files/ /"
    for name in $(compgen -e | grep '^PIP_' | grep -vx PIP_CERT); do
        printf 'ENV %s="%s"\n' "$name" "${!name}"
    done
    echo "ENV PIP_CERT=$certificates"
} >"$context/Dockerfile"
for folder in ${PIP_FIND_LINKS:-}; do
    if [[ -d $folder ]]; then
        mkdir -p "$context/files$folder"
        cp -r "$folder/." "$context/files$folder"
    fi
done
"$docker" build --quiet --tag "hnseg-debian:$release-pip" "$context" >/dev/null 2>"$work/build.log" || { cat "$work/build.log" >&2; exit 1; }
echo "$base hnseg-debian:$release-pip"
