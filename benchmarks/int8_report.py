"""What ``int8_trial.py`` makes of its labels: the verdict on each setting, and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from agreement import OrganAgreement
from int8_networks import SETTINGS
from record import Check, check_table, origin_line, spread

from hnseg_train.evaluation.table import markdown_table, number

MOST_DIFFERENCE = 0.01
"""Between an organ's mean DSC in int8 and in single precision."""

CALIBRATION_SEED, TEST_SEED = 3, 9000
"""Of the generated patients; the shipped weights were trained on those of seed 1."""


@dataclass(frozen=True)
class OrganTrial:
    """One organ in one precision or setting, all patients.

    dsc: against the reference, the mean over patients; difference: from that in single precision, and
    widest: the largest of one patient. labels: DSC against the labels in single precision, voxels of all
    patients counted together. None where no patient has a value.
    """

    name: str
    model: str
    dsc: float | None
    difference: float | None
    widest: float | None
    labels: float | None


def organ_trials(
    single: Sequence[Sequence[OrganAgreement]],
    other: Sequence[Sequence[OrganAgreement]],
    labels: Sequence[OrganAgreement],
) -> list[OrganTrial]:
    """From each patient's scores against the reference, and the pooled ones against single precision."""
    trials = []
    for index, organ in enumerate(labels):
        pairs = [(ours[index].dsc, theirs[index].dsc) for ours, theirs in zip(single, other, strict=True)]
        both = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
        differences = [theirs - ours for ours, theirs in both]
        trials.append(
            OrganTrial(
                name=organ.name,
                model=organ.model,
                dsc=fmean(theirs for _, theirs in both) if both else None,
                difference=fmean(differences) if both else None,
                widest=max(differences, key=abs, default=None),
                labels=organ.dsc,
            )
        )
    return trials


def check(setting: str, organs: Sequence[OrganTrial]) -> Check:
    """The threshold for one setting: its measured value is that of the organ that moved most."""
    most = max((abs(organ.difference) for organ in organs if organ.difference is not None), default=None)
    return Check(
        f"{setting}: largest difference of an organ's mean DSC <= {MOST_DIFFERENCE}",
        most,
        most is not None and most <= MOST_DIFFERENCE,
    )


def report(
    result: Mapping[str, Any], organs: Mapping[str, Sequence[OrganTrial]], checks: Sequence[Check]
) -> list[str]:
    """The result as lines of a Markdown page; one check per setting, in the order of the settings."""
    settings = result["settings"]
    closest = min(zip(settings, checks, strict=True), key=lambda pair: pair[1].measured or 0.0)[0]
    kept = "; ".join(f"`{setting}`: {SETTINGS[setting]}" for setting in settings)
    tiles = ", ".join(f"{count} of {model}" for model, count in result["calibration_tiles"].items())
    sizes = (
        f"{model}: {fact['ranges']} ranges, {fact['bytes'] / 2**20:.1f} MiB as OpenVINO saves it"
        for model, fact in settings[closest].items()
    )
    return [
        "# int8 by post-training quantisation, tried",
        "",
        f"Bundle `{result['bundle']}`, trained on: {result['trained_on']}. NNCF {result['nncf']}, preset "
        f"MIXED; ranges from tiles of generated patients of seed {CALIBRATION_SEED} ({tiles}). Labelled: "
        f"{result['patients']} generated patients of seed {TEST_SEED}, through the whole pipeline. Not "
        f"quantised, each setting with what the one before keeps: {kept}; all this runs in bfloat16.",
        "",
        *check_table(checks),
        "",
        *_runs_table(result, organs),
        "",
        "Difference: an organ's DSC against the reference minus that in single precision (f32), mean over "
        "patients. DSC against f32 labels: voxels of all patients together. As in f32: share of all organ "
        "voxels of a real CT that are labelled alike. Seconds a tile: networks of the publication's size "
        "with random weights, in turns, median (all runs).",
        "",
        f"## Organ by organ: `{closest}`",
        "",
        *_organ_table(organs["f32"], organs["bf16"], organs[closest], result["cts"], closest),
        "",
        f"{'; '.join(sizes)}.",
        "",
        origin_line(result, result["device"]),
    ]


def _runs_table(result: Mapping[str, Any], organs: Mapping[str, Sequence[OrganTrial]]) -> list[str]:
    rows = []
    for run, trials in organs.items():
        moved = [abs(trial.difference) for trial in trials if trial.difference is not None]
        labels = [trial.labels for trial in trials if trial.labels is not None]
        calibration = sum(fact["seconds"] for fact in result["settings"].get(run, {}).values())
        rows.append(
            (
                run,
                number(max(moved, default=None), 4),
                str(sum(value > MOST_DIFFERENCE for value in moved)),
                number(fmean(labels) if labels else None, 4),
                number(min(labels, default=None), 4),
                *(number(shares[run]["all"], 4) for shares in result["cts"].values()),
                f"{calibration:.0f}" if calibration else "-",
                *(spread(times.get(run, []), 3) for times in result["seconds"].values()),
            )
        )
    columns = (
        "networks in",
        "largest difference",
        "organs beyond",
        "mean DSC against f32 labels",
        "lowest",
        *(f"as in f32, {name}" for name in result["cts"]),
        "calibration s",
        *(f"seconds a tile, {name}" for name in result["seconds"]),
    )
    return markdown_table(columns, rows)


def _organ_table(
    single: Sequence[OrganTrial],
    half: Sequence[OrganTrial],
    eight: Sequence[OrganTrial],
    cts: Mapping[str, Any],
    setting: str,
) -> list[str]:
    rows = []
    for f32, bf16, int8 in zip(single, half, eight, strict=True):
        scores = (f32.dsc, bf16.dsc, int8.dsc, int8.difference, int8.widest, bf16.labels, int8.labels)
        shares = (number(share[setting][int8.name], 3) for share in cts.values())
        within = int8.difference is None or abs(int8.difference) <= MOST_DIFFERENCE
        verdict = "within" if within else "**beyond**"
        rows.append((int8.name, int8.model, *(number(value, 4) for value in scores), *shares, verdict))
    columns = (
        *("organ", "model", "DSC f32", "DSC bf16", "DSC int8", "difference", "widest, one patient"),
        *("bf16 against f32 labels", "int8 against f32 labels"),
        *(f"as in f32, {name}" for name in cts),
        f"{MOST_DIFFERENCE}",
    )
    return markdown_table(columns, rows)
