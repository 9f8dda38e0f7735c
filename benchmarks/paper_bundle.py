"""A bundle of the publication's network sizes with random weights, to measure time and memory with.

    python benchmarks/paper_bundle.py OUT_DIR [--system nnsam]

The same seed gives the same weights. What they are good for: see ``random_networks.py``.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from random_networks import random_network, settled_network
from torch import nn

from hnseg_train.export import export_bundle
from hnseg_train.nnunet_plans import model_labels, plans_json
from hnseg_train.recipes import PAPER, UNET, Recipe
from hnseg_train.systems import COMBINED, SYSTEMS, system_recipe
from hnseg_train.training import final_checkpoint


def main() -> int:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description="A paper-size bundle with random weights.")
    parser.add_argument("folder", type=Path, metavar="OUT_DIR", help="a new folder, or a bundle to replace")
    parser.add_argument("--seed", type=int, default=1, help="of the weights (default: %(default)s)")
    parser.add_argument("--system", choices=SYSTEMS, default=COMBINED, help="(default: %(default)s)")
    arguments = parser.parse_args()
    random_bundle(arguments.folder, system_recipe(PAPER, arguments.system), arguments.seed)
    return 0


def random_bundle(folder: Path, plan: Recipe, seed: int = 1) -> None:
    """Export a plan's bundle as training does, from random networks in the place of trained ones.

    Raises InputError when ``folder`` holds something else than a bundle.
    """
    plan = replace(plan, name=f"{plan.name}-random")
    with tempfile.TemporaryDirectory() as work:
        for index, model in enumerate(plan.models):
            configuration = plans_json(plan, model, for_training=False)["configurations"][model.configuration]
            classes = 1 + len(model_labels(model, plan.organs))
            stated = configuration["architecture"]["arch_kwargs"]
            network: nn.Module
            if model.network == UNET:
                network = random_network(stated, classes, seed + index)
            else:
                # a look at a small patch is enough
                small = [size // 4 for size in model.patch]
                network = settled_network(model.network, stated, classes, small, seed + index)
            checkpoint = final_checkpoint(Path(work), plan, model)
            checkpoint.parent.mkdir(parents=True)
            torch.save({"network_weights": network.state_dict()}, checkpoint)
        export_bundle(
            Path(work),
            plan,
            folder,
            trained_on="nothing: random weights, to measure with",
            cases=0,
            provider=plan.published_provider(),
        )


if __name__ == "__main__":
    sys.exit(main())
