"""The networks of a bundle over one CT, by our engine or by nnU-Net: what ``against_nnunet.py`` starts.

    python benchmarks/network_case.py hnseg   --bundle DIR --ct CT --labels OURS.npz [--precision f32]
    python benchmarks/network_case.py nnunet  --bundle DIR --ct CT --labels THEIRS.npz --windows-of OURS.npz

Both see the same windows of the same CT: that of the small organs lies where our 2D labels put it, and a
model of whole CTs has its tiles around the patient. Writes each model's organs by bundle id ``[z, y, x]``;
prints one JSON object: device, seconds to load (imports included), and seconds of each model from its window
in HU to its labels.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from warm_case import gpu_peak_mib

from hnseg_infer.cpus import granted_cpus, limit_threads

Timings = dict[str, Any]


def main() -> int:
    """Run one side, write the labels, print the seconds."""
    parser = argparse.ArgumentParser(description="A bundle's networks over one CT.")
    parser.add_argument("side", choices=("hnseg", "nnunet"))
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--ct", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", default="auto", help="of hnseg")
    parser.add_argument("--windows-of", type=Path, help="labels of hnseg, for nnunet")
    parser.add_argument(
        "--sums", choices=("half", "single"), default="half", help="precision of nnunet's sums"
    )
    arguments = parser.parse_args()
    limit_threads()
    run = run_hnseg if arguments.side == "hnseg" else run_nnunet
    labels, timings = run(arguments)
    import numpy as np

    np.savez(arguments.labels, **labels)
    print(json.dumps({**timings, "gpu_peak_mib": gpu_peak_mib()}))
    return 0


def run_hnseg(arguments: argparse.Namespace) -> tuple[Mapping[str, Any], Timings]:
    """Our engine: the pipeline up to where the models' labels are fused."""
    start = time.perf_counter()
    from hnseg_infer.loaded_bundle import load
    from hnseg_infer.pipeline import run_models

    loaded = load(arguments.bundle, arguments.device, arguments.precision)
    load_seconds = time.perf_counter() - start
    ct = canonical_ct(arguments.ct)
    for _ in range(passes(loaded.device)):
        seconds: dict[str, float] = {}
        results, _ = run_models(ct, loaded, seconds)
    networks = {model.name: seconds[model.name] for model in loaded.bundle.models}
    labels = {name: result.labels for name, result in results.items()}
    return labels, {"device": loaded.device, "load_seconds": load_seconds, "seconds": networks}


def run_nnunet(arguments: argparse.Namespace) -> tuple[Mapping[str, Any], Timings]:
    """nnU-Net's predictor and its arg-max, in our windows and after our normalisation."""
    start = time.perf_counter()
    from contextlib import nullcontext

    import numpy as np
    import torch
    from nnunet_predictor import load_predictor, predict_logits, single_precision_sums

    from hnseg_infer.views import uncut

    device = arguments.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(granted_cpus())
    load_seconds = time.perf_counter() - start
    ct = canonical_ct(arguments.ct)
    labels, seconds = {}, {}
    for task in nnunet_tasks(arguments.bundle, ct, arguments.windows_of):
        start = time.perf_counter()
        predictor = load_predictor(task.folder, device)
        load_seconds += time.perf_counter() - start
        for _ in range(passes(device)):
            start = time.perf_counter()
            labels[task.name] = np.zeros(ct.array.shape, np.uint8)
            if task.view is not None:
                view = task.view
                with single_precision_sums() if arguments.sums == "single" else nullcontext():
                    logits = predict_logits(predictor, view.image[view.seen])
                classes = predictor.label_manager.convert_logits_to_segmentation(logits).numpy()
                scanned = uncut(classes, view.seen, view.image.shape)[view.scanned]
                labels[task.name][view.inside] = task.organ_ids[scanned]
            seconds[task.name] = time.perf_counter() - start
    return labels, {"device": device, "load_seconds": load_seconds, "seconds": seconds}


def passes(device: str) -> int:
    """How often a case runs, the last time counting: a first pass on a GPU starts the card's libraries."""
    return 2 if device.startswith("cuda") else 1


def canonical_ct(path: Path) -> Any:
    """The CT as the pipeline hands it to its models."""
    from hnseg_infer.checks import check_ct
    from hnseg_infer.formats import read_ct
    from hnseg_infer.volume import to_canonical

    return check_ct(to_canonical(read_ct(path)), path.name)[0]


class Task(NamedTuple):
    """A model: the organ id of each class, and its view, None where it has no place."""

    name: str
    folder: Path
    organ_ids: Any
    view: Any


def nnunet_tasks(bundle_folder: Path, ct: Any, labels_file: Path) -> list[Task]:
    """What nnU-Net is to do, after our run whose labels are given. The bundle itself is not kept.

    Raises InputError for a model that sees resampled voxels.
    """
    import numpy as np

    from hnseg_infer.bundle import load_bundle
    from hnseg_infer.errors import InputError
    from hnseg_infer.head_place import head_center
    from hnseg_infer.model_run import model_view
    from hnseg_infer.slice_range import organ_slices
    from hnseg_infer.windows import model_window
    from hnseg_infer.working_spacing import working_spacing

    bundle = load_bundle(bundle_folder)
    with np.load(labels_file) as file:
        labels = {name: file[name] for name in file.files}
    given = ct.geometry.spacing_zyx
    slices, head = organ_slices(ct.array, given), head_center(ct.array, given)
    tasks = []
    for model in bundle.models:
        if working_spacing(model, bundle.trained_spacing, given) is not None:
            raise InputError(
                f"The model {model.name} sees this CT resampled; accepted is one that sees its voxels."
            )
        window = model_window(model, ct, head, labels, bundle.organs)[0]
        view = None if window is None else model_view(model, ct, window, slices, None)
        tasks.append(Task(model.name, model.network.folder, np.array(model.organ_ids, np.uint8), view))
    return tasks


if __name__ == "__main__":
    sys.exit(main())
