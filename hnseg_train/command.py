"""``hnseg train``: labelled CTs in StructSeg's layout to a bundle with the evidence for it."""

import argparse
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnseg_infer.errors import InputError
from hnseg_train.recipes import RECIPES
from hnseg_train.systems import COMBINED, SYSTEMS, system_recipe

if TYPE_CHECKING:
    from hnseg_train.stages.engine import Stage, State


def add_parser(subparsers: Any) -> None:
    """Add ``hnseg train``."""
    parser = subparsers.add_parser(
        "train",
        help="train with cross-validation and export a bundle; interrupted, it goes on where it stopped",
        description=__doc__.replace("``", ""),
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, metavar="DIR", help="<case>/data.nii.gz and <case>/label.nii.gz")
    data.add_argument("--cohort", type=Path, metavar="YAML", help="several such folders, and their shares")
    parser.add_argument("--work", type=Path, required=True, help="where everything is kept; resumable")
    parser.add_argument(
        "--plan", choices=sorted(RECIPES), default="paper", help="check is for trying out, not for use"
    )
    parser.add_argument(
        "--system", choices=SYSTEMS, default=COMBINED, help="whose networks (default: %(default)s)"
    )
    parser.add_argument("--folds", type=int, default=5, help="of the cross-validation (default: %(default)s)")
    parser.add_argument("--bundle", type=Path, help="folder to export to (default: WORK/bundle)")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--baseline", action="store_true", help="train plain nnU-Net for comparison, too")
    parser.add_argument("--start-from", type=Path, metavar="BUNDLE", help="begin with a bundle's weights")
    parser.add_argument("--trained-on", default="unnamed data", help="one sentence for the bundle's card")
    parser.add_argument(
        "--workers", type=int, help="processes that load samples (default: 0 on the CPU, 8 with a GPU)"
    )
    parser.add_argument(
        "--gpus", type=int, default=1, metavar="N", help="GPUs that share each batch (default: %(default)s)"
    )
    parser.add_argument("--list", action="store_true", help="print the stages and how far they are")
    parser.add_argument("--only", nargs="+", metavar="STAGE", default=[], help="run these stages alone")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """List the stages, or do what is not done yet."""
    from hnseg_train.cases import Source
    from hnseg_train.cohort import read_cohort
    from hnseg_train.stages.engine import run_stages, states
    from hnseg_train.stages.records import Ledger
    from hnseg_train.stages.road import Road, Settings
    from hnseg_train.stages.whole import all_stages
    from hnseg_train.start import read_start

    device = _device(arguments.device, arguments.gpus)
    recipe = system_recipe(RECIPES[arguments.plan], arguments.system)
    settings = Settings(
        sources=read_cohort(arguments.cohort) if arguments.cohort else (Source("", arguments.data),),
        work=arguments.work,
        recipe=recipe,
        bundle=arguments.bundle or arguments.work / "bundle",
        folds=arguments.folds,
        device=device,
        baseline=arguments.baseline,
        trained_on=arguments.trained_on,
        gpus=arguments.gpus,
        start=None if arguments.start_from is None else read_start(arguments.start_from, recipe),
        workers=(0 if device == "cpu" else 8) if arguments.workers is None else arguments.workers,
    )
    road = Road(settings, Ledger(arguments.work))
    stages = all_stages(road)
    unknown = [name for name in arguments.only if name not in {stage.name for stage in stages}]
    if unknown:
        accepted = ", ".join(stage.name for stage in stages)
        raise InputError(f"There is no stage {unknown[0]}; accepted are {accepted}.")
    if arguments.list:
        print("\n".join(stage_lines(stages, states(stages, road.ledger))))
        return
    with only_one(arguments.work):
        run_stages(stages, road.ledger, arguments.only, road.say)


def stage_lines(stages: Sequence["Stage"], found: "dict[str, State]") -> list[str]:
    """One line per stage: its name, its state, what it needs and what it makes."""
    wide = max(len(stage.name) for stage in stages)
    return [
        f"{stage.name:{wide}}  {found[stage.name]:14}  needs {', '.join(stage.needs) or 'the data'}; "
        f"makes {stage.makes}"
        for stage in stages
    ]


@contextmanager
def only_one(work: Path) -> Iterator[None]:
    """Hold a work folder; raises InputError while another process has it. The end of a process frees it."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"Another training is running in {work}; accepted is one at a time.") from None
        yield


def _device(name: str, gpus: int) -> str:
    """``cuda`` or ``cpu``; raises InputError for a device, or more of them, than there are."""
    import torch

    there = torch.cuda.device_count()
    if gpus < 1 or (gpus > 1 and (gpus > there or name == "cpu")):
        raise InputError(f"--gpus is {gpus}; accepted is 1, or up to the number of GPUs here, {there}.")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("The device cuda was asked for, but no CUDA GPU can be used here; accepted is cpu.")
    return name
