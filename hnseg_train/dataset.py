"""Labelled CTs in StructSeg's layout to nnU-Net's preprocessed data sets, one per model.

Arrays are ``[z, y, x]`` in canonical orientation. Views and normalisation are the inference side's own
functions, so that a network sees in training what it will see in use.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.files import write_whole
from hnseg_infer.head_place import head_center
from hnseg_infer.preprocessing import Window, labels_center, normalized
from hnseg_infer.resampling import resample, resample_labels, shape_at
from hnseg_infer.views import axial_window, clipped, cut, roi_window, within
from hnseg_infer.volume import Volume
from hnseg_infer.windows import Center
from hnseg_train.nnunet_plans import model_labels
from hnseg_train.recipes import SMALL_ORGANS, STRUCTSEG, ModelRecipe, Organs

ROI_MARGIN = (4, 16, 16)
"""Voxels (z, y, x) that a sample of the small-organ ROI has more on every side.

The loader cuts patches out of it at random places: a 2D model's centre may be off, and turned or shrunk
patches have the image at their edges in place of nothing.
"""

UNKNOWN = "unknown_classes"
"""Where a sample's properties say which classes its labels hold as background."""


def training_window(
    model: ModelRecipe, ct: Volume, labels: NDArray[np.uint8], center: Center | None = None
) -> tuple[Window, Window] | None:
    """The part of a case that a model trains on, by its crop rule, and the part that it sees in use.

    They differ for the small-organ ROI alone, by ROI_MARGIN. center: of the ROI (z, y, x in voxels), by
    default that of the organs in ``labels``; without either there is no ROI, hence None.
    """
    if model.crop == "small_organ_roi":
        center = center or labels_center(labels, [value for value, name in STRUCTSEG if name in SMALL_ORGANS])
        if center is None:
            return None
        z, y, x = model.patch
        more_z, more_y, more_x = ROI_MARGIN
        size = (z + 2 * more_z, y + 2 * more_y, x + 2 * more_x)
        return roi_window(center, size, ct.geometry.shape), roi_window(center, (z, y, x), ct.geometry.shape)
    window = axial_part(model, ct)
    return window, window


def axial_part(model: ModelRecipe, ct: Volume) -> Window:
    """What a model of whole slices or of the head sees of a case; it may reach beyond the CT."""
    given = ct.geometry.spacing_zyx
    head = head_center(ct.array, given)
    return axial_window(model.crop, model.patch, len(ct.array), head, given, model.spacing)


def scanned_part(model: ModelRecipe, ct: Volume) -> tuple[NDArray[np.float32], Window]:
    """What a model of whole slices or of the head sees of a case, less the air beyond the CT, and where."""
    window = axial_part(model, ct)
    inside = clipped(window, ct.geometry.shape)
    return normalized(cut(ct.array, window), model.hu_window)[within(window, inside)], inside


def model_target(
    model: ModelRecipe, labels: NDArray[np.uint8], organs: Organs = STRUCTSEG
) -> NDArray[np.int16]:
    """Organ ids to the model's own label values; other organs become background."""
    table = np.zeros(256, dtype=np.int16)
    values = model_labels(model, organs)
    for value, name in organs:
        table[value] = values.get(name, 0)
    target: NDArray[np.int16] = table[labels]
    return target


def write_samples(
    name: str,
    ct: Volume,
    labels: NDArray[np.uint8],
    model: ModelRecipe,
    preprocessed: Path,
    center: Center | None = None,
    uncontoured: Collection[str] = (),
    organs: Organs = STRUCTSEG,
) -> list[Path]:
    """Write a case's training sample to the model's data set; returns its three files, none without an ROI.

    Every file appears whole or not at all. center: see ``training_window``. uncontoured: organs that the
    labels hold as background because nobody contoured them. organs: of the recipe.
    """
    windows = training_window(model, ct, labels, center)
    if windows is None:
        return []
    window, seen = windows
    values = model_labels(model, organs)
    unknown = [value for organ, value in values.items() if organ in uncontoured]
    folder = model_folder(preprocessed, model)
    unfinished = folder / f"unfinished_{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    image, part = cut(ct.array, window), cut(labels, window, outside=0)
    if model.spacing is not None:
        shape = shape_at(image.shape, ct.geometry.spacing_zyx, model.spacing)
        image, part = resample(image, shape), resample_labels(part, shape)
    target = model_target(model, part, organs)
    properties = {"class_locations": _class_locations(target, values.values()), UNKNOWN: unknown}
    normalised = normalized(image, model.hu_window, None if seen == window else ct.array[seen])
    _save(normalised, target, properties, model, unfinished / f"{name}_0")
    files = []
    for file in sorted(unfinished.iterdir()):
        files.append(folder / model.name / file.name)
        os.replace(file, files[-1])
    unfinished.rmdir()
    return files


def sample_names(files: Iterable[Path], model: ModelRecipe) -> list[str]:
    """What nnU-Net calls those of these files that are samples of the model."""
    return sorted(path.stem for path in files if path.suffix == ".pkl" and path.parent.name == model.name)


def model_folder(preprocessed: Path, model: ModelRecipe) -> Path:
    """The model's data set folder; created with the files that nnU-Net expects in it."""
    folder = preprocessed / f"hnseg_{model.name}"
    (folder / model.name).mkdir(parents=True, exist_ok=True)
    # nnU-Net copies this file; without resampling nothing in it would be used
    write_whole(folder / "dataset_fingerprint.json", [b"{}"])
    return folder


def _class_locations(target: NDArray[np.int16], values: Iterable[int]) -> Any:
    """Where nnU-Net's loader finds each class."""
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor

    return DefaultPreprocessor._sample_foreground_locations(target[None], list(values))


def _save(
    image: NDArray[np.float32],
    target: NDArray[np.int16],
    properties: Mapping[str, Any],
    model: ModelRecipe,
    stem: Path,
) -> None:
    # nnU-Net is imported where it is used: it takes seconds
    from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetDatasetBlosc2

    data, seg = image[None], target[None]
    blocks, chunks = comp_blosc2_params(data.shape, model.training_patch, data.itemsize)
    seg_blocks, seg_chunks = comp_blosc2_params(seg.shape, model.training_patch, seg.itemsize)
    nnUNetDatasetBlosc2.save_case(
        data,
        seg,
        dict(properties),
        str(stem),
        chunks=chunks,
        blocks=blocks,
        chunks_seg=seg_chunks,
        blocks_seg=seg_blocks,
    )
