"""From a CT to its organs at risk: the combined U-Net of docs/method.md, for any bundle's models."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hnseg_infer.bundle import Bundle
from hnseg_infer.checks import NOT_IN_VIEW, check_ct
from hnseg_infer.devices import Precision
from hnseg_infer.fusion import drop_strays, fuse
from hnseg_infer.head_place import head_center
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.model_run import ModelResult, nothing_found, run_model
from hnseg_infer.progress import Progress
from hnseg_infer.report import Prediction, Warning
from hnseg_infer.review.case import review_case
from hnseg_infer.slice_range import organ_slices
from hnseg_infer.volume import Volume, from_canonical, to_canonical
from hnseg_infer.windows import model_window
from hnseg_infer.working_spacing import spacing_warnings, working_spacing


def segment(
    volume: Volume,
    *,
    bundle: Path | str | Bundle | LoadedBundle | Future[LoadedBundle] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    source: str = "the CT",
    progress: Progress | None = None,
) -> Prediction:
    """Segment one CT in HU, in any orientation; the labels lie on exactly its grid.

    bundle: a folder, the name of one that is installed, a verified bundle, or one that ``load`` or
    ``start_loading`` prepared (``device`` and ``precision`` then have no effect; threads may share it, and
    their cases take turns); default: the one shipped. source: what errors call the CT. progress: told of
    every tile of every model. Raises InputError before any network runs when the CT cannot be used,
    BundleError, DeviceError.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "check"):
        ct, warnings = check_ct(to_canonical(volume), source)
    with _timed(seconds, "load"):
        loaded = _loaded(bundle, device, precision).for_spacing(ct.geometry.spacing_zyx)
    if any(warning.code == NOT_IN_VIEW for warning in warnings):
        results = {model.name: nothing_found(ct) for model in loaded.bundle.models}
    else:
        with loaded.turn:
            results, doubts = run_models(ct, loaded, seconds, progress)
        warnings = [*warnings, *doubts]
    with _timed(seconds, "fuse"):
        labels = {name: result.labels for name, result in results.items()}
        provider, organs = loaded.bundle.provider, loaded.bundle.without_strays
        fused = fuse(drop_strays(labels, provider, organs, ct.geometry.spacing_zyx), provider)
        result = from_canonical(fused, volume.geometry)
    with _timed(seconds, "review"):
        review = review_case(fused, ct.geometry, results, loaded.bundle, warnings)
    return Prediction(
        labels=result,
        organs=review.organs,
        warnings=(*warnings, *review.warnings),
        review=review.reasons,
        seconds=seconds,
        device=loaded.device,
        bundle_name=loaded.bundle.name,
        trained_on=loaded.bundle.trained_on,
    )


def _loaded(
    bundle: Path | str | Bundle | LoadedBundle | Future[LoadedBundle] | None,
    device: str,
    precision: Precision,
) -> LoadedBundle:
    if isinstance(bundle, Future):
        return bundle.result()
    return bundle if isinstance(bundle, LoadedBundle) else load(bundle, device, precision)


def run_models(
    ct: Volume, loaded: LoadedBundle, seconds: dict[str, float], progress: Progress | None = None
) -> tuple[dict[str, ModelResult], list[Warning]]:
    """Each model's own organs on the grid of a checked, canonical CT, before fusion.

    Adds the time of each stage to ``seconds``; the warnings say what had to be assumed.
    """
    given = ct.geometry.spacing_zyx
    results: dict[str, ModelResult] = {}
    warnings = spacing_warnings(loaded.bundle, given)
    with _timed(seconds, "crop"):
        slices, head = organ_slices(ct.array, given), head_center(ct.array, given)
    for model in loaded.bundle.models:
        spacing = working_spacing(model, loaded.bundle.trained_spacing, given)
        with _timed(seconds, "crop" if model.roi is None else "roi"):
            before = {name: result.labels for name, result in results.items()}
            window, doubts = model_window(model, ct, head, before, loaded.bundle.organs, spacing)
        with _timed(seconds, model.name):
            tiles = partial(progress, model.name) if progress else None
            results[model.name] = (
                run_model(model, loaded, ct, window, slices, spacing, tiles) if window else nothing_found(ct)
            )
        warnings += doubts
    return results, warnings


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
