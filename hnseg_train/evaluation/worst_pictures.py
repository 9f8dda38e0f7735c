"""Pictures of the worst cases: where prediction and reference differ, on the CT."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hnseg_infer.formats import read_ct
from hnseg_train.evaluation.cases import MaskPair
from hnseg_train.evaluation.cohort import Cases
from hnseg_train.evaluation.evaluation_files import describe
from hnseg_train.evaluation.organ_picture import draw_organ
from hnseg_train.evaluation.worst_cases import worst_cases

if TYPE_CHECKING:
    from PIL.Image import Image


def draw_worst(pairs: Iterable[MaskPair], cases: Cases) -> "dict[str, Image]":
    """Pictures of the worst cases that have a CT, by file name; every volume is read once."""
    worst = [worst for organ in worst_cases(cases) for worst in organ]
    pictures = {}
    for pair in pairs:
        mine = [each for each in worst if each.case == pair.name]
        if pair.ct is None or not mine:
            continue
        ct, (prediction, reference) = read_ct(pair.ct), pair.read()
        for each in mine:
            title = f"{each.score.name.replace('_', ' ')}, {describe(each)}"
            pictures[each.picture_name] = draw_organ(
                ct, prediction, reference, each.score.id, title=title, sources=(str(pair.ct), *pair.sources)
            )
    return pictures
