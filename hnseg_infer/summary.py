"""What a run found out, as text for a screen or a log."""

from collections.abc import Sequence

from hnseg_infer.report import NOT_FOR_CLINICAL_USE, OrganResult, Prediction, Reason

NOT_FOUND = "not found"


def summary(prediction: Prediction, report: str) -> str:
    """Per organ id, name, volume and model; then warnings, reasons for a review, what the result rests on.

    report: what the file that says more is called.
    """
    lines = [f"{'id':>3}  {'organ':<22}{'cm3':>9}  model"]
    lines += [
        f"{organ.id:>3}  {organ.name:<22}{_volume(organ):>9}  {organ.provider}" for organ in prediction.organs
    ]
    lines += [f"warning {warning.code}: {warning.message}" for warning in prediction.warnings]
    lines += review_lines(prediction.review, report)
    seconds = ", ".join(f"{stage} {value:.1f}" for stage, value in prediction.seconds.items())
    lines.append(f"{prediction.device}; seconds: {seconds}")
    lines.append(f"Bundle {prediction.bundle_name}, trained on {prediction.trained_on}.")
    lines.append(NOT_FOR_CLINICAL_USE)
    return "\n".join(lines)


def review_lines(reasons: Sequence[Reason], report: str) -> list[str]:
    """A line per kind of reason that names its organs; the warnings among them were said already."""
    organs: dict[str, list[str]] = {}
    for reason in reasons:
        organs.setdefault(reason.code, []).extend([reason.organ] if reason.organ else [])
    lines = [f"review {code}: {', '.join(names)}" for code, names in organs.items() if names]
    if reasons:
        lines.append(f"Look at the mask before it is used; {report} says why.")
    return lines


def _volume(organ: OrganResult) -> str:
    if not organ.volume_cm3:
        return NOT_FOUND
    # a voxel or two are little, but not nothing
    return f"{organ.volume_cm3:.2f}" if organ.volume_cm3 >= 0.005 else "< 0.01"
