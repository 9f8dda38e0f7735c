"""Any torch network as an OpenVINO graph: traced by torch, read by OpenVINO's PyTorch frontend.

``openvino.convert_model`` does the same, but traces several times.
"""

from typing import Any

import numpy as np
import torch

from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.networks.build import build_network


def traced_graph(model: NetworkModel) -> tuple[Any, Any]:
    """The graph's input ``[1, 1, (z,) y, x]``, one patch, and its logits ``[1, class, (z,) y, x]``."""
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.zeros((1, 1, *_smallest_input(model)))
    with torch.inference_mode():
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            build_network(model), example, check_trace=False
        )
    frontend = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    # the converter calls the decoder back, so it has to outlive the conversion
    decoder = TorchScriptPythonDecoder(traced)
    converted = frontend.convert(frontend.load(decoder))
    converted.reshape([1, 1, *model.patch])
    # a node, as engines combine it with other nodes
    return converted.get_parameters()[0], converted.get_results()[0].input_value(0).get_node()


def _smallest_input(model: NetworkModel) -> list[int]:
    """One voxel at the deepest stage: tracing runs the network, which at full size takes up to a minute."""
    strides = model.architecture[1].get("strides")
    return np.prod(strides, axis=0, dtype=int).tolist() if strides else list(model.patch)
