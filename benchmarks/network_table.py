"""Parameters and operations of every architecture at the paper's size.

    python benchmarks/network_table.py

Patches, features and depth are those of the plan ``paper`` for its 2D and its 3D model, the same for all.
Nothing is computed: the networks stand on the meta device. Writes ``results/network_table.json`` and ``.md``.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from flops import product_flops
from record import add_output_options, origin, origin_line, write_result
from torch import nn

from hnseg_infer.networks.attention_unet import AttentionUNet
from hnseg_infer.networks.nnsam_unet import NNSAMUNet
from hnseg_infer.networks.plain_unet import PlainUNet
from hnseg_infer.networks.se_unet import SEUNet
from hnseg_infer.networks.unet import UNet
from hnseg_train.evaluation.table import markdown_table, number
from hnseg_train.nnunet_plans import model_labels, plans_json
from hnseg_train.recipes import PAPER, ModelRecipe

NETWORKS: tuple[tuple[str, type[nn.Module], dict[str, Any]], ...] = (
    ("combined system's U-Net", UNet, {}),
    ("U-Net", PlainUNet, {}),
    ("Attention U-Net", AttentionUNet, {}),
    ("SE U-Net", SEUNet, {}),
    ("nnSAM-UNet", NNSAMUNet, {}),
    ("nnSAM-UNet, vit_bottleneck", NNSAMUNet, {"vit_bottleneck": True}),
)
"""Name, class, own options."""

MODELS = ("2d", "3d")
"""Of the plan."""


def main() -> int:
    """Count, and write the result."""
    parser = argparse.ArgumentParser(description="Parameters and operations of every architecture.")
    add_output_options(parser, "network_table")
    arguments = parser.parse_args()
    models = {model.name: model for model in PAPER.models if model.name in MODELS}
    result = {
        **origin(),
        "patches": {name: model.patch for name, model in models.items()},
        "features": {name: [model.first_features, model.feature_cap] for name, model in models.items()},
        "networks": {
            title: {name: counted(kind, options, model) for name, model in models.items()}
            for title, kind, options in NETWORKS
        },
    }
    write_result(arguments, result, report(result))
    return 0


def counted(kind: type[nn.Module], options: Mapping[str, Any], model: ModelRecipe) -> dict[str, int]:
    """Parameters of a network that takes the model's place in the plan, and operations over one tile."""
    configuration = plans_json(PAPER, model, for_training=False)["configurations"][model.configuration]
    stated = configuration["architecture"]["arch_kwargs"]
    convolution = getattr(nn, stated["conv_op"].rpartition(".")[2])
    with torch.device("meta"):
        network = kind(
            input_channels=1,
            num_classes=1 + len(model_labels(model, PAPER.organs)),
            **{**stated, **options, "conv_op": convolution},
        )
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "flop_per_tile": product_flops(network, model.patch),
    }


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    tiles = [
        f"{name.upper()}: {' x '.join(map(str, patch))}, features {first} to {cap}"
        for (name, patch), (first, cap) in zip(
            result["patches"].items(), result["features"].values(), strict=True
        )
    ]
    head = [column for name in MODELS for column in (f"{name.upper()} M parameters", "GFLOP a tile")]
    return [
        "# The networks at the paper's size",
        "",
        f"{'; '.join(tiles)}. Depth, kernels and pooling are those of the plan `paper` for all. One of the "
        "decoder's heads gives the logits, the others serve deep supervision and count as parameters alone. "
        "Operations are the multiplications and additions of convolutions and matrix products over one tile.",
        "",
        *markdown_table(("network", *head), [row(*item) for item in result["networks"].items()]),
        "",
        origin_line(result, "none, the networks are only counted"),
    ]


def row(title: str, counts: Mapping[str, Mapping[str, int]]) -> Sequence[str]:
    """A network's line of the table."""
    figures = [
        figure
        for name in MODELS
        for figure in (
            number(counts[name]["parameters"] / 1e6, 2),
            number(counts[name]["flop_per_tile"] / 1e9, 1),
        )
    ]
    return (title, *figures)


if __name__ == "__main__":
    sys.exit(main())
