"""From a CT to its organs at risk: the combined U-Net of docs/method.md, for any bundle's models."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import Bundle, ModelSpec, load_bundle
from hnseg_infer.checks import NOT_IN_VIEW, check_ct
from hnseg_infer.devices import Precision
from hnseg_infer.engines.engine import Labeller, ProbabilityMapper, select_engine
from hnseg_infer.fusion import fuse, label_counts
from hnseg_infer.preprocessing import Window, z_score
from hnseg_infer.progress import Progress, TileProgress
from hnseg_infer.report import OrganResult, Prediction, Warning
from hnseg_infer.resampling import organ_labels, resample, shape_at
from hnseg_infer.slice_range import organ_slices
from hnseg_infer.volume import Volume, from_canonical, to_canonical
from hnseg_infer.windows import model_window

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle whose networks are ready on one device, for any number of CTs.

    labellers: of the models that see the CT's own voxels, by name; mappers: of those that ask for a spacing.
    """

    bundle: Bundle
    device: str
    labellers: Mapping[str, Labeller]
    mappers: Mapping[str, ProbabilityMapper] = field(default_factory=dict)


def load(
    bundle: Path | Bundle | None = None, device: str = "auto", precision: Precision = "auto"
) -> LoadedBundle:
    """Verify a bundle (default: the one shipped) and prepare its networks.

    device: ``auto``, ``cuda`` or ``cpu``. precision: ``auto`` (the device's fastest), ``f32``, ``bf16`` or
    ``f16``. Raises BundleError or DeviceError.
    """
    verified = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    engine = select_engine(device, precision)
    # a crop window is larger than its model's patch, at least along z; the others mostly are one tile
    labellers = {
        model.name: engine.load(model.network, overlapping=model.crop == "head_window")
        for model in verified.models
        if model.spacing is None
    }
    mappers = {
        model.name: engine.load_probabilities(model.network)
        for model in verified.models
        if model.spacing is not None
    }
    return LoadedBundle(verified, engine.description, labellers, mappers)


def start_loading(
    bundle: Path | Bundle | None = None, device: str = "auto", precision: Precision = "auto"
) -> Future[LoadedBundle]:
    """``load`` in a thread of its own, for ``segment`` to wait for: the CT can be read meanwhile."""
    with_one_thread = ThreadPoolExecutor(max_workers=1)
    loading = with_one_thread.submit(load, bundle, device, precision)
    with_one_thread.shutdown(wait=False)
    return loading


def segment(
    volume: Volume,
    *,
    bundle: Path | Bundle | LoadedBundle | Future[LoadedBundle] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    source: str = "the CT",
    progress: Progress | None = None,
) -> Prediction:
    """Segment one CT in HU, in any orientation; the labels lie on exactly its grid.

    bundle: a folder, a verified bundle, or one that ``load`` or ``start_loading`` prepared (``device`` and
    ``precision`` then have no effect); default: the one shipped. source: what errors call the CT. progress:
    told of every tile of every model. Raises InputError before any network runs when the CT cannot be used,
    BundleError, DeviceError.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "check"):
        ct, warnings = check_ct(to_canonical(volume), source)
    with _timed(seconds, "load"):
        loaded = _loaded(bundle, device, precision)
    if any(warning.code == NOT_IN_VIEW for warning in warnings):
        labels = {model.name: np.zeros(ct.array.shape, dtype=np.uint8) for model in loaded.bundle.models}
    else:
        labels, doubts = model_labels(ct, loaded, seconds, progress)
        warnings = [*warnings, *doubts]
    with _timed(seconds, "fuse"):
        fused = fuse(labels, loaded.bundle.provider)
        organs = _organ_results(fused, loaded.bundle, ct.geometry.voxel_cm3)
        warnings = [*warnings, *_organs_not_found(organs)]
        result = from_canonical(fused, volume.geometry)
    return Prediction(
        labels=result,
        organs=organs,
        warnings=tuple(warnings),
        seconds=seconds,
        device=loaded.device,
        bundle_name=loaded.bundle.name,
        trained_on=loaded.bundle.trained_on,
    )


def _loaded(
    bundle: Path | Bundle | LoadedBundle | Future[LoadedBundle] | None, device: str, precision: Precision
) -> LoadedBundle:
    if isinstance(bundle, Future):
        return bundle.result()
    return bundle if isinstance(bundle, LoadedBundle) else load(bundle, device, precision)


def model_labels(
    ct: Volume, loaded: LoadedBundle, seconds: dict[str, float], progress: Progress | None = None
) -> tuple[dict[str, Labels], list[Warning]]:
    """Each model's own organs by bundle id on the grid of a checked, canonical CT, before fusion.

    Adds the time of each stage to ``seconds``; the warnings say what a model's window had to assume.
    """
    labels: dict[str, Labels] = {}
    warnings: list[Warning] = []
    with _timed(seconds, "crop"):
        slices = organ_slices(ct.array, ct.geometry.spacing_zyx)
    for model in loaded.bundle.models:
        with _timed(seconds, "crop" if model.roi is None else "roi"):
            window, doubts = model_window(model, ct, labels, loaded.bundle.organs)
        with _timed(seconds, model.name):
            tile_progress = partial(progress, model.name) if progress else None
            labels[model.name] = _window_labels(model, loaded, ct, window, slices, tile_progress)
        warnings += doubts
    return labels, warnings


def _window_labels(
    model: ModelSpec,
    loaded: LoadedBundle,
    ct: Volume,
    window: Window | None,
    slices: slice,
    progress: TileProgress | None,
) -> Labels:
    """The model's organs by bundle id, 0 outside its window and the axial ``slices`` that may hold organs.

    z-score and network see the window alone, at the model's spacing; tiles without any of the slices are left
    out.
    """
    labels = np.zeros(ct.array.shape, dtype=np.uint8)
    if window is not None:
        hu, region = ct.array[window], _inside(window, slices)
        if model.spacing is None:
            classes = loaded.labellers[model.name](z_score(hu), region, progress)
        else:
            coarse = z_score(resample(hu, shape_at(hu.shape, ct.geometry.spacing_zyx, model.spacing)))
            part = _rescaled(region, hu.shape, coarse.shape)
            classes = organ_labels(loaded.mappers[model.name](coarse, part, progress), hu.shape)
            classes[: region[0].start] = classes[region[0].stop :] = 0
        labels[window] = np.array(model.organ_ids, dtype=np.uint8)[classes]
    return labels


def _inside(window: Window, slices: slice) -> Window:
    """The part of a window that lies in the axial slices, counted from the window's first voxel."""
    z, y, x = window
    start = min(max(slices.start, z.start), z.stop)
    stop = max(min(slices.stop, z.stop), start)
    return (
        slice(start - z.start, stop - z.start),
        slice(0, y.stop - y.start),
        slice(0, x.stop - x.start),
    )


def _rescaled(region: Window, shape: Sequence[int], other: Sequence[int]) -> Window:
    """The voxels of a grid of another shape over the same extent that the region touches."""
    z, y, x = (
        slice(part.start * new // old, -(-part.stop * new // old))
        for part, old, new in zip(region, shape, other, strict=True)
    )
    return z, y, x


def _organ_results(labels: Labels, bundle: Bundle, voxel_cm3: float) -> tuple[OrganResult, ...]:
    voxels = label_counts(labels)
    return tuple(
        OrganResult(organ.id, organ.name, float(voxels[organ.id]) * voxel_cm3, bundle.provider[organ.id])
        for organ in bundle.organs
    )


def _organs_not_found(organs: tuple[OrganResult, ...]) -> list[Warning]:
    missing = ", ".join(organ.name for organ in organs if organ.volume_cm3 == 0)
    return [Warning("organs_not_found", f"Not found in the CT: {missing}.")] if missing else []


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
