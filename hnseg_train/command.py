"""``hnseg train``: labelled CTs in StructSeg's layout to a bundle."""

import argparse
from pathlib import Path
from typing import Any

from hnseg_train.recipes import PAPER, RECIPES

MODELS = [model.name for model in PAPER.models]
"""Every plan has these."""


def add_parser(subparsers: Any) -> None:
    """Add ``hnseg train``."""
    parser = subparsers.add_parser(
        "train", help="train the three models and export a bundle", description=__doc__.replace("``", "")
    )
    parser.add_argument("--data", type=Path, required=True, help="<case>/data.nii.gz and <case>/label.nii.gz")
    parser.add_argument("--work", type=Path, required=True, help="where checkpoints and logs go; resumable")
    parser.add_argument("--plan", choices=sorted(RECIPES), default="paper")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="train only these now")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument(
        "--bundle", type=Path, help="export the bundle to this folder when all models are trained"
    )
    parser.add_argument("--trained-on", default="unnamed data", help="one sentence for bundle.json")
    parser.add_argument(
        "--holdout", type=Path, help="cases (same layout) that decide which model provides an organ"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train what is not trained yet, then export."""
    import torch

    from hnseg_train.combination import derive_provider
    from hnseg_train.dataset import find_cases
    from hnseg_train.export import export_bundle, published_provider
    from hnseg_train.training import train

    recipe = RECIPES[arguments.plan]
    device = arguments.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    cases = find_cases(arguments.data)
    train(arguments.work, recipe, cases, device, arguments.models)
    if arguments.bundle is None:
        return
    described = {"trained_on": arguments.trained_on, "cases": len(cases)}
    export_bundle(arguments.work, recipe, arguments.bundle, provider=published_provider(), **described)
    if arguments.holdout is not None:
        provider = derive_provider(arguments.bundle, find_cases(arguments.holdout), published_provider())
        export_bundle(arguments.work, recipe, arguments.bundle, provider=provider, **described)
    print(f"Bundle written to {arguments.bundle}")
