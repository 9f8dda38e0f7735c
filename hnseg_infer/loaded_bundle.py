"""A bundle's networks made ready to run, once for any number of CTs."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Lock

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.devices import Precision
from hnseg_infer.engines.engine import Labeller, Ranker, select_engine


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle whose networks are ready on one device, for any number of threads: their cases take turns.

    labellers: of the models that see the CT's own voxels, by name. ranker: from the name of a model that is
    to see resampled voxels; one that was not expected to is made ready when it is asked for. turn: held while
    the networks run, since each has one set of buffers.
    """

    bundle: Bundle
    device: str
    labellers: Mapping[str, Labeller]
    ranker: Callable[[str], Ranker]
    turn: Lock = field(default_factory=Lock, repr=False, compare=False)

    def for_spacing(self, spacing: tuple[float, float, float]) -> "LoadedBundle":
        """With what the bundle has for a CT of this spacing (mm; z, y, x)."""
        return replace(self, bundle=self.bundle.for_spacing(spacing))


def load(
    bundle: Path | str | Bundle | None = None, device: str = "auto", precision: Precision = "auto"
) -> LoadedBundle:
    """Verify a bundle (default: the one shipped) and prepare its networks.

    bundle: a folder, the name of one that is installed, or a verified bundle. device: ``auto``, ``cuda`` or
    ``cpu``. precision: ``auto`` (the device's fastest), ``f32``, ``bf16`` or ``f16``. Raises BundleError or
    DeviceError.
    """
    verified = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    engine = select_engine(device, precision)
    on_coarse_cts = verified.coarse.bundle.models if verified.coarse else ()
    models = {model.name: model for model in (*verified.models, *on_coarse_cts)}
    # a crop window is larger than its model's patch, at least along z; the others mostly are one tile
    overlapping = {name: model.crop == "head_window" for name, model in models.items()}

    @cache
    def ranker(name: str) -> Ranker:
        return engine.load_ranker(models[name].network, overlapping[name])

    labellers = {}
    for name, model in models.items():
        if model.spacing is None:
            labellers[name] = engine.load(model.network, overlapping[name])
        elif model in verified.models:
            # what coarse CTs alone need waits for one
            ranker(name)
    return LoadedBundle(verified, engine.description, labellers, ranker)


def start_loading(
    bundle: Path | str | Bundle | None = None, device: str = "auto", precision: Precision = "auto"
) -> Future[LoadedBundle]:
    """``load`` in a thread of its own, for ``segment`` to wait for: the CT can be read meanwhile."""
    with_one_thread = ThreadPoolExecutor(max_workers=1)
    loading = with_one_thread.submit(load, bundle, device, precision)
    with_one_thread.shutdown(wait=False)
    return loading
