"""Every architecture in a size that runs in milliseconds; for the tests of what they have in common."""

from collections.abc import Sequence
from typing import Any

from hnseg_infer.networks.topology import unet_topology

TINY_VIT = {
    "patch": 4,
    "features": 8,
    "layers": 1,
    "heads": 2,
    "position_grid": [3, 3],
    "decoder_features": 8,
    "decoder_layers": 2,
    "decoder_heads": 2,
}

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("hnseg_infer.networks.plain_unet.PlainUNet", {}),
    "se": ("hnseg_infer.networks.se_unet.SEUNet", {}),
    "attention": ("hnseg_infer.networks.attention_unet.AttentionUNet", {}),
    "nnsam": ("hnseg_infer.networks.nnsam_unet.NNSAMUNet", {}),
    "nnsam_vit": ("hnseg_infer.networks.nnsam_unet.NNSAMUNet", {"vit_bottleneck": TINY_VIT}),
}
"""Class path and own options."""

PATCHES = ((16, 16), (8, 16, 16))


def arguments(patch: Sequence[int], first: int = 4, cap: int = 8, **options: Any) -> dict[str, Any]:
    """``arch_kwargs`` of a plans file for a patch, (z,) y, x; first, cap: features."""
    topology = unet_topology(patch, (3.0, 1.0, 1.0)[-len(patch) :], first, cap)
    return {
        "n_stages": len(topology.features),
        "features_per_stage": list(topology.features),
        "conv_op": f"torch.nn.modules.conv.Conv{len(patch)}d",
        "kernel_sizes": [list(size) for size in topology.kernel_sizes],
        "strides": [list(size) for size in topology.strides],
        **options,
    }
