#!/usr/bin/env bash
# Builds the image "hnseg", which runs one case, or with --method invoke the image "hnseg-invoke", which waits for cases.
# --slug NAME and --input-slug NAME are Grand Challenge's names for mask and CT. Further arguments go to docker build, e.g.
# --build-arg TORCH_INDEX=... (see Dockerfile). BASE_IMAGE and BUILD_IMAGE choose what it starts from, DOCKER the command
# (docker).
set -euo pipefail
cd "$(dirname "$0")"

refuse() {
    echo "$1" >&2
    exit 1
}

image=hnseg method=exec arguments=()
while (($#)); do
    option=$1 value=${2-}
    shift
    case $option in
        --method)
            case $value in
                exec) image=hnseg ;;
                invoke) image=hnseg-invoke ;;
                *) refuse "--method takes exec or invoke, not \"$value\"." ;;
            esac
            method=$value
            ;;
        --slug | --input-slug)
            [[ $value =~ ^[A-Za-z0-9_][A-Za-z0-9_-]*$ ]] ||
                refuse "$option takes letters, digits, hyphens and underscores, not \"$value\"."
            if [[ $option == --slug ]]; then name=OUTPUT_SLUG; else name=INPUT_SLUG; fi
            arguments+=(--build-arg "$name=$value")
            ;;
        *)
            arguments+=("$option")
            continue
            ;;
    esac
    shift
done
for name in BASE_IMAGE BUILD_IMAGE; do
    if [[ -n ${!name:-} ]]; then arguments+=(--build-arg "$name=${!name}"); fi
done
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' hnseg_infer/__init__.py)
"${DOCKER:-docker}" build --platform=linux/amd64 --target "$method" --tag "$image" --build-arg "VERSION=$version" \
    "${arguments[@]}" .
