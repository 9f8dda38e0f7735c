#!/usr/bin/env bash
# The training road in one go, on the CPU: makes six small generated patients, takes them through every stage with two folds
# and the plan "check", whose weights are not for use, and segments a CT with the bundle. Everything lands in build/try.
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/venv.sh
make_venv

hnseg=.venv/bin/hnseg
try=build/try
rm -rf "$try"
"$hnseg" phantom --cases 6 --seed 1 --spacing 4 2 2 --out "$try/data"
"$hnseg" train --data "$try/data" --work "$try/work" --plan check --folds 2 --device cpu --trained-on "6 generated patients"
"$hnseg" segment "$try/data/1/data.nii.gz" "$try/result" --bundle "$try/work/bundle" --device cpu
echo
echo "Bundle  $try/work/bundle"
echo "Card    $try/work/bundle/CARD.md"
echo "Tables  $try/work/tables/comparison.md"
echo "Mask    $try/result/data.mha"
