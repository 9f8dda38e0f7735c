"""What the card says of each source of a cohort."""

from collections.abc import Mapping
from typing import Any

from hnseg_train.evaluation.cohort import Cases, summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC
from hnseg_train.evaluation.table import number
from hnseg_train.stages.road import Road


def source_lines(sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What each source of a cohort gave, and how its cases were outlined while they were unseen."""
    shares = sum(source["share"] for source in sources.values())
    return [
        f"  - {name}: {source['cases']} cases"
        + (f" and {source['variants']} altered copies of each" if source["variants"] else "")
        + f", {source['share'] / shares:.0%} of the samples; fused DSC "
        + f"{number(source['mean_dsc'], DSC.digits)} over {source['organs']} organs"
        for name, source in sources.items()
    ]


def source_figures(road: Road, fused: Cases) -> dict[str, dict[str, Any]]:
    """Cases, variants, share and mean DSC of the fused result, by source; nothing for one source alone."""
    found = {}
    for source in road.settings.sources if len(road.settings.sources) > 1 else ():
        names = road.by_source[source.name]
        organs = [s for s in summarise_organs(fused[name] for name in names) if s.dsc]
        found[source.name] = {
            "cases": len(names),
            "variants": source.variants,
            "share": source.share,
            "organs": len(organs),
            "mean_dsc": summarise(organs).dsc,
        }
    return found
