"""What a run found out, and its form in ``results.json``."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg_infer import __version__
from hnseg_infer.files import write_whole
from hnseg_infer.volume import Volume

NOT_FOR_CLINICAL_USE = "Research software: not a medical device, not for clinical use."


@dataclass(frozen=True)
class Warning:
    """A doubt, repair or assumption: ``code`` for programs, ``message`` one sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class OrganResult:
    """One organ of the output: label value, name, volume in cm3, and the model its voxels come from."""

    id: int
    name: str
    volume_cm3: float
    provider: str


@dataclass(frozen=True)
class Prediction:
    """A finished case. ``labels`` is uint8 ``[z, y, x]`` on the input's grid; ``seconds`` is per stage."""

    labels: Volume
    organs: tuple[OrganResult, ...]
    warnings: tuple[Warning, ...]
    seconds: dict[str, float]
    device: str
    bundle_name: str
    trained_on: str


def results_json(prediction: Prediction) -> dict[str, Any]:
    """The content of ``results.json``; keys are always in this order."""
    return {
        "software": f"hnseg {__version__}",
        "not_for_clinical_use": NOT_FOR_CLINICAL_USE,
        "bundle": {"name": prediction.bundle_name, "trained_on": prediction.trained_on},
        "device": prediction.device,
        "organs": [
            {
                "id": organ.id,
                "name": organ.name,
                "volume_cm3": round(organ.volume_cm3, 3),
                "provider": organ.provider,
            }
            for organ in prediction.organs
        ],
        "warnings": [{"code": warning.code, "message": warning.message} for warning in prediction.warnings],
        "seconds": {stage: round(seconds, 2) for stage, seconds in prediction.seconds.items()},
    }


def write_results(prediction: Prediction, path: Path) -> None:
    """Write ``results.json``: the file appears complete or not at all."""
    text = json.dumps(results_json(prediction), indent=2, allow_nan=False) + "\n"
    write_whole(path, [text.encode()])
