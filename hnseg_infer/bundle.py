"""The model bundle: a folder with bundle.json and one nnU-Net v2 model folder per network.

``bundle.json`` holds ``format_version``, ``name``, ``trained_on``, ``intended_use``, ``organs`` (id, name),
``models`` (folder, crop rule, spacing rule), ``provider`` (organ to model), ``sha256`` of every other file;
where the training said so ``trained_spacing_mm`` (low and high; z, y, x), ``anatomy`` (review/anatomy.py),
``without_strays``: the organs that lose what lies far from their largest piece (pieces.py); ``coarse_cts``
(coarse_cts.py).
Nothing is unpickled before every checksum has been verified.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hnseg_infer.checksums import verify_checksums
from hnseg_infer.coarse_cts import COARSE_CTS, from_pixel_mm, manifest_for_coarse_cts
from hnseg_infer.errors import BundleError
from hnseg_infer.installed import MANIFEST, bundle_folder
from hnseg_infer.model_folder import MODEL_FILES, NetworkModel, read_json, read_model_folder
from hnseg_infer.review.anatomy import Anatomy, read_anatomy
from hnseg_infer.spacing_rule import NATIVE, SpacingRange, read_spacing, read_spacing_range

FORMAT_VERSION = 1

CROP_RULES = ("whole", "head_window", "small_organ_roi")
"""What a model sees: whole slices, the head, or a box around other organs (views.py)."""


@dataclass(frozen=True)
class BundleOrgan:
    """One organ of the bundle's output: its label value and its name."""

    id: int
    name: str


@dataclass(frozen=True)
class SmallOrganRoi:
    """A box of ``size_zyx`` voxels around the organs ``organs`` as ``from_model`` labelled them."""

    from_model: str
    organs: tuple[BundleOrgan, ...]
    size_zyx: tuple[int, int, int]


@dataclass(frozen=True)
class ModelSpec:
    """One model of the bundle.

    crop: one of CROP_RULES; roi: set for ``small_organ_roi`` only. spacing: mm (z, y, x) to which what the
    model sees is resampled; None where it sees the CT's own voxels. organ_ids: the bundle's organ id of each
    of the network's classes, background (0) first; 0 too where the bundle does not list the organ.
    """

    name: str
    crop: str
    roi: SmallOrganRoi | None
    spacing: tuple[float, float, float] | None
    organ_ids: tuple[int, ...]
    network: NetworkModel


@dataclass(frozen=True)
class Bundle:
    """A verified bundle. models: in the order in which they can run. provider: organ id to model name.

    trained_spacing, anatomy: of the training patients, None where the bundle does not say.
    without_strays: ids of the organs that lose what lies far from their largest piece. coarse: where the
    bundle has other models for CTs of low resolution; ``models`` are then those of all other CTs.
    """

    folder: Path
    name: str
    trained_on: str
    intended_use: str
    organs: tuple[BundleOrgan, ...]
    models: tuple[ModelSpec, ...]
    provider: Mapping[int, str]
    trained_spacing: SpacingRange | None = None
    anatomy: Anatomy | None = None
    without_strays: frozenset[int] = frozenset()
    coarse: "CoarseCTs | None" = None

    def for_spacing(self, spacing: tuple[float, float, float]) -> "Bundle":
        """What a CT of this spacing (mm; z, y, x) is segmented with."""
        if self.coarse is None or min(spacing[1:]) < self.coarse.from_pixel_mm:
            return self
        return self.coarse.bundle


@dataclass(frozen=True)
class CoarseCTs:
    """The bundle as it is for CTs with pixels of at least ``from_pixel_mm``."""

    from_pixel_mm: float
    bundle: Bundle


def load_bundle(folder: Path | str | None = None) -> Bundle:
    """Read and verify a bundle: a folder, or the name of one that comes with the code (default: the default).

    Raises BundleError naming the file at fault.
    """
    folder = bundle_folder(folder)
    path = folder / MANIFEST
    manifest = read_json(path)
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(f"{path} has format version {version!r}; accepted is {FORMAT_VERSION}.")
    try:
        listed = dict(manifest["sha256"])
        verify_checksums(folder, listed)
        organs = _organs(path, manifest["organs"])
        models = tuple(
            _model(path, name, entry, organs, listed) for name, entry in manifest["models"].items()
        )
        models = _in_running_order(path, models)
        bundle = _bundle(path, manifest, organs, models)
        if COARSE_CTS not in manifest:
            return bundle
        entry = manifest[COARSE_CTS]
        coarse = _bundle(path, manifest_for_coarse_cts(manifest, entry), organs, models)
        return replace(
            _needed_alone(bundle), coarse=CoarseCTs(from_pixel_mm(path, entry), _needed_alone(coarse))
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{path} is incomplete or misstated ({type(error).__name__}: {error}).") from None


def _bundle(
    path: Path, manifest: Mapping[str, Any], organs: tuple[BundleOrgan, ...], models: tuple[ModelSpec, ...]
) -> Bundle:
    return Bundle(
        folder=path.parent,
        name=str(manifest["name"]),
        trained_on=str(manifest["trained_on"]),
        intended_use=str(manifest["intended_use"]),
        organs=organs,
        models=models,
        provider=_provider(path, dict(manifest["provider"]), organs, models),
        trained_spacing=read_spacing_range(path, manifest.get("trained_spacing_mm")),
        anatomy=read_anatomy(manifest["anatomy"]) if "anatomy" in manifest else None,
        without_strays=_without_strays(path, manifest.get("without_strays", []), organs),
    )


def needed_models(models: Sequence[ModelSpec], providers: Collection[str]) -> tuple[ModelSpec, ...]:
    """The models that provide an organ, by name, and those that these need to find where to look."""
    roi_from = {model.roi.from_model for model in models if model.roi and model.name in providers}
    return tuple(model for model in models if model.name in providers or model.name in roi_from)


def _needed_alone(bundle: Bundle) -> Bundle:
    return replace(bundle, models=needed_models(bundle.models, bundle.provider.values()))


def _organs(path: Path, entries: list[dict[str, Any]]) -> tuple[BundleOrgan, ...]:
    organs = tuple(BundleOrgan(int(entry["id"]), str(entry["name"])) for entry in entries)
    ids, names = {organ.id for organ in organs}, {organ.name for organ in organs}
    if not organs or len(ids) != len(organs) or len(names) != len(organs):
        raise BundleError(f"{path} lists no organs, or an organ id or name twice.")
    if min(ids) < 1 or max(ids) > 255:
        raise BundleError(f"{path} lists the organ ids {min(ids)} to {max(ids)}; accepted are 1 to 255.")
    return organs


def _model(
    path: Path, name: str, entry: dict[str, Any], organs: tuple[BundleOrgan, ...], listed: Mapping[str, str]
) -> ModelSpec:
    crop = entry["crop"]
    if crop not in CROP_RULES:
        raise BundleError(
            f"{path} gives the model {name} the crop rule {crop!r}; accepted: {', '.join(CROP_RULES)}."
        )
    spacing = read_spacing(path, name, entry.get("spacing", NATIVE))
    by_name = {organ.name: organ for organ in organs}
    roi = None
    if crop == "small_organ_roi":
        z, y, x = (int(size) for size in entry["size_zyx"])
        if min(z, y, x) < 1:
            raise BundleError(f"{path} gives the model {name} a ROI of {z} x {y} x {x} voxels.")
        roi = SmallOrganRoi(
            str(entry["from_model"]), tuple(by_name[organ] for organ in entry["organs"]), (z, y, x)
        )
    for file in MODEL_FILES:
        # only files that were listed have had their checksums verified
        if f"{entry['folder']}/{file}" not in listed:
            raise BundleError(
                f"The bundle file {path.parent / entry['folder'] / file} is missing or not listed."
            )
    network = read_model_folder(path.parent / entry["folder"])
    organ_ids = (0, *(by_name[organ].id if organ in by_name else 0 for organ in network.organs))
    return ModelSpec(name, crop, roi, spacing, organ_ids, network)


def _in_running_order(path: Path, models: tuple[ModelSpec, ...]) -> tuple[ModelSpec, ...]:
    """Models that see the CT first, then those whose ROI one of them gives."""
    first = tuple(model for model in models if model.roi is None)
    names = {model.name for model in first}
    for model in models:
        if model.roi and model.roi.from_model not in names:
            accepted = ", ".join(sorted(names))
            raise BundleError(
                f"{path} centres {model.name} on the model {model.roi.from_model!r}; accepted: {accepted}."
            )
    return first + tuple(model for model in models if model.roi)


def _without_strays(path: Path, names: list[str], organs: tuple[BundleOrgan, ...]) -> frozenset[int]:
    ids = {organ.name: organ.id for organ in organs}
    for name in names:
        if name not in ids:
            raise BundleError(f"{path} removes strays of {name!r}, which is not among its organs.")
    return frozenset(ids[name] for name in names)


def _provider(
    path: Path, provider: dict[str, str], organs: tuple[BundleOrgan, ...], models: tuple[ModelSpec, ...]
) -> dict[int, str]:
    by_name = {model.name: model for model in models}
    unknown = provider.keys() - {organ.name for organ in organs}
    if unknown:
        raise BundleError(f"{path} names a provider for {min(unknown)}, which is not among its organs.")
    for organ in organs:
        model = by_name.get(provider.get(organ.name, ""))
        if model is None or organ.id not in model.organ_ids:
            raise BundleError(f"{path} gives {organ.name} no model that has this organ.")
    return {organ.id: provider[organ.name] for organ in organs}
