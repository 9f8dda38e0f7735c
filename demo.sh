#!/usr/bin/env bash
# The whole road in one go, on the CPU: makes the CT of a generated patient, outlines its organs, draws
# them and compares them with the truth. Everything lands in build/demo.
set -euo pipefail
cd "$(dirname "$0")"
source .ci/venv.sh
make_venv

hnseg=.venv/bin/hnseg
demo=build/demo
rm -rf "$demo"
"$hnseg" phantom --cases 1 --seed 7 --out "$demo"
case=$(dirname "$(find "$demo" -name data.nii.gz)")
"$hnseg" segment "$case/data.nii.gz" "$demo/result" --device cpu --preview
"$hnseg" evaluate "$demo/result/data.mha" "$case/label.nii.gz"
echo
echo "CT       $case/data.nii.gz"
echo "Mask     $demo/result/data.mha"
echo "Report   $demo/result/data.json"
echo "Preview  $demo/result/data.png"
