#!/usr/bin/env bash
# Writes hnseg.tar.gz (the image; hnseg-invoke.tar.gz with --method invoke) and model.tar.gz (the weights, as Grand
# Challenge takes them: bundle.json at the top) into DIR (default: here). Options behind DIR are those of build.sh, by which
# the image is built anew: what has not changed since the last build is taken from there. BUNDLE names other weights than
# model_weights/, DOCKER the command (docker).
set -euo pipefail
target=.
if [[ ${1:--} != -* ]]; then
    target=$1
    shift
fi
mkdir -p "$target"
target=$(realpath "$target")
bundle=$(realpath "${BUNDLE:-$(dirname "$0")/model_weights}")
cd "$(dirname "$0")"
docker=${DOCKER:-docker}
image=hnseg
if [[ " $* " == *" --method invoke "* ]]; then image=hnseg-invoke; fi

# makes $target/NAME out of what a command prints, under another name first: the final name means complete
export_as() {
    local name=$1
    shift
    "$@" | gzip --no-name >"$target/$name.part"
    mv "$target/$name.part" "$target/$name"
    echo "$target/$name"
}
trap 'rm -f "$target"/{$image,model}.tar.gz.part' EXIT

if [[ ! -f $bundle/bundle.json ]]; then
    echo "No weights to export: $bundle holds no bundle.json." >&2
    exit 1
fi
./build.sh "$@"
# neither owner nor time nor order of the files on this disk reaches the archive
export_as model.tar.gz tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C "$bundle" -c .
export_as "$image.tar.gz" "$docker" save "$image"
