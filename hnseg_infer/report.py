"""What a run found out, and its form in a JSON file, the report."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg_infer import __version__
from hnseg_infer.files import write_whole
from hnseg_infer.identity import CtIdentity
from hnseg_infer.volume import Volume

NOT_FOR_CLINICAL_USE = "Research software: not a medical device, not for clinical use."

SOFTWARE = "hnseg"


@dataclass(frozen=True)
class Warning:
    """A doubt, repair or assumption: ``code`` for programs, ``message`` one sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Reason:
    """Why a mask should be looked at; ``organ`` is the name of the one that it is about, or None."""

    code: str
    organ: str | None
    message: str


@dataclass(frozen=True)
class OrganResult:
    """One organ of the output: label value, name, the model its voxels come from, and what they are like.

    volume_cm3: 0 where it was not found. in_view: whether it should be, by the organs that were found.
    pieces: parts that do not touch. at_border: whether it reaches the CT's edge. entropy_bits: mean over the
    provider's voxels, None without any.
    """

    id: int
    name: str
    provider: str
    volume_cm3: float
    in_view: bool
    pieces: int
    at_border: bool
    entropy_bits: float | None


@dataclass(frozen=True)
class Prediction:
    """A finished case. ``labels`` is uint8 ``[z, y, x]`` on the input's grid; ``seconds`` is per stage.

    review: every reason for somebody to look at it, none where all is as in the training patients.
    """

    labels: Volume
    organs: tuple[OrganResult, ...]
    warnings: tuple[Warning, ...]
    review: tuple[Reason, ...]
    seconds: dict[str, float]
    device: str
    bundle_name: str
    trained_on: str


def results_json(prediction: Prediction, ct: CtIdentity, mask: str) -> dict[str, Any]:
    """The report's content; keys are always in this order. mask: the name of the mask's file."""
    return {
        "software": f"{SOFTWARE} {__version__}",
        "not_for_clinical_use": NOT_FOR_CLINICAL_USE,
        "ct": {"name": ct.name, "series_uid": ct.series_uid, "sha256": ct.sha256},
        "mask": mask,
        "bundle": {"name": prediction.bundle_name, "trained_on": prediction.trained_on},
        "device": prediction.device,
        "review": {
            "needed": bool(prediction.review),
            "reasons": [
                {"code": reason.code, "organ": reason.organ, "message": reason.message}
                for reason in prediction.review
            ],
        },
        "organs": [
            {
                "id": organ.id,
                "name": organ.name,
                "volume_cm3": round(organ.volume_cm3, 3),
                "provider": organ.provider,
                "in_view": organ.in_view,
                "pieces": organ.pieces,
                "at_border": organ.at_border,
                "entropy_bits": None if organ.entropy_bits is None else round(organ.entropy_bits, 3),
            }
            for organ in prediction.organs
        ],
        "warnings": [{"code": warning.code, "message": warning.message} for warning in prediction.warnings],
        "seconds": {stage: round(seconds, 2) for stage, seconds in prediction.seconds.items()},
    }


def write_results(prediction: Prediction, path: Path, ct: CtIdentity, mask: str) -> None:
    """Write the report: the file appears complete or not at all. ct, mask: as in ``results_json``."""
    text = json.dumps(results_json(prediction, ct, mask), indent=2, allow_nan=False) + "\n"
    write_whole(path, [text.encode()])


def read_report(path: Path) -> dict[str, Any] | None:
    """The content of a report; None where there is no such file, or it is something else."""
    try:
        content = json.loads(path.read_bytes())
        return content if content["software"].split()[0] == SOFTWARE else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
