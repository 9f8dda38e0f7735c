"""Does the field of view move the labels? CTs cropped to the head, padded with air, cut and padded along z.

    HNSEG_SHARED=../shared python benchmarks/field_of_view.py [NAME ...]

segments each real CT of ``HNSEG_SHARED`` in every field and holds the labels against each other and against
the draft contours. Writes ``results/field_of_view.json`` and ``.md``; ``--before`` sets the JSON of the same
script at another commit beside them. Exits with 1 when a threshold is missed.
"""

import argparse
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from field_of_view_page import checks, page, summary
from fields_of_view import ALONG_Z, AS_IT_IS, IN_PLANE, field_of_view
from numpy.typing import NDArray
from record import add_output_options, origin, write_result

from hnseg_infer.checks import check_ct
from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.model_folder import read_json
from hnseg_infer.pipeline import segment
from hnseg_infer.preprocessing import Window
from hnseg_infer.volume import to_canonical

Labels = NDArray[np.uint8]

WITH_WHOLE = [(AS_IT_IS, field) for field in ALONG_Z]


@dataclass(frozen=True)
class OrganFields:
    """One organ of one CT; fields are compared where both of them see.

    agreement: lowest DSC between two fields in plane. moved_mm: farthest that its centroid lies apart in two
    of them. along_z: lowest DSC of a field along z with the CT as it is. dsc: against the draft by field,
    None where the draft has none. lost: fields without it though others have it.
    """

    name: str
    volume_cm3: float
    agreement: float | None
    moved_mm: float | None
    along_z: float | None
    dsc: dict[str, float] | None
    lost: list[str]


def main() -> int:
    """Segment every CT in every field, compare, write."""
    parser = argparse.ArgumentParser(description="Labels in other fields of view.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the CTs (default: all)")
    parser.add_argument("--bundle", type=Path, help="(default: default)")
    parser.add_argument("--before", type=Path, metavar="JSON", help="of the same script at another commit")
    add_output_options(parser, "field_of_view")
    arguments = parser.parse_args()
    loaded = load(arguments.bundle)
    cases = {}
    for name, (path, labels) in real_cts(Path(os.environ["HNSEG_SHARED"]) / "data").items():
        if not arguments.names or name in arguments.names:
            cases[name] = [asdict(organ) for organ in examine(name, path, labels, loaded)]
            print(name, summary(cases[name]), flush=True)
    found = checks(cases)
    result = origin() | {
        "bundle": {"name": loaded.bundle.name, "trained_on": loaded.bundle.trained_on},
        "device": loaded.device,
        "checks": [asdict(item) for item in found],
        "cases": cases,
    }
    before = read_json(arguments.before)["cases"] if arguments.before else None
    write_result(arguments, result, page(result, found, before))
    return 0 if all(item.passed for item in found) else 1


def real_cts(data: Path) -> dict[str, tuple[Path, Path]]:
    """CT and draft contours by name."""
    planning = (data / "ct" / "head_neck_dicom", data / "ct" / "head_neck_shoulders.nii.gz")
    found = {}
    for path in planning:
        name = path.name.removesuffix(".nii.gz")
        found[name] = (path, data / "atlas" / f"{name}_label.nii.gz")
    for folder in sorted((data / "heads").iterdir()):
        found[folder.name] = (folder / "ct.nii.gz", folder / "label.nii.gz")
    return found


def examine(name: str, path: Path, labels: Path, loaded: LoadedBundle) -> list[OrganFields]:
    """Every organ of one CT in every field."""
    ct, _ = check_ct(to_canonical(read_ct(path)), name)
    draft, shape = to_canonical(read_labels(labels)).array, ct.array.shape
    found: dict[str, Labels] = {}
    seen: dict[str, Window] = {}
    for field in (*IN_PLANE, *ALONG_Z):
        view = field_of_view(ct, draft, field)
        prediction = segment(view.ct, bundle=loaded, source=name)
        found[field], seen[field] = view.labels_on(prediction.labels.array, shape), view.inside(shape)
    return [
        of_organ(organ.id, organ.name, found, seen, draft, ct.geometry.spacing_zyx)
        for organ in loaded.bundle.organs
    ]


def of_organ(
    organ: int,
    name: str,
    found: Mapping[str, Labels],
    seen: Mapping[str, Window],
    draft: Labels,
    spacing: tuple[float, float, float],
) -> OrganFields:
    """One organ's labels in all fields, against each other and against the draft."""
    masks = {field: labels == organ for field, labels in found.items()}
    in_plane, along_z = [], []
    for pairs, compared in ((combinations(IN_PLANE, 2), in_plane), (WITH_WHOLE, along_z)):
        for one, other in pairs:
            both = common(seen[one], seen[other])
            compared.append((masks[one][both], masks[other][both]))
    agreements = [value for pair in in_plane if (value := dsc(*pair)) is not None]
    distances = [value for pair in in_plane if (value := apart(*pair, spacing)) is not None]
    along = [value for pair in along_z if (value := dsc(*pair)) is not None]
    drafted = draft == organ
    there = any(mask.any() for mask in masks.values())
    return OrganFields(
        name=name,
        volume_cm3=float(masks[AS_IT_IS].sum() * np.prod(spacing) / 1000),
        agreement=min(agreements, default=None),
        moved_mm=max(distances, default=None),
        along_z=min(along, default=None),
        dsc={field: dsc(mask, drafted) or 0.0 for field, mask in masks.items()} if drafted.any() else None,
        lost=[field for field, mask in masks.items() if there and not mask.any()],
    )


def common(one: Window, other: Window) -> Window:
    """What two windows share."""
    z, y, x = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return z, y, x


def dsc(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    """Dice similarity of two masks; None where both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else None


def apart(
    one: NDArray[np.bool_], other: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> float | None:
    """mm between the centroids of two masks; None where one is empty."""
    if not one.any() or not other.any():
        return None
    centers = [np.array([along.mean() for along in np.nonzero(mask)]) for mask in (one, other)]
    return float(np.linalg.norm((centers[0] - centers[1]) * np.array(spacing)))


if __name__ == "__main__":
    raise SystemExit(main())
