"""What a training needs in memory and on disk, and whether it is there: asked before anything is done."""

import os
import shutil
from collections.abc import Iterable
from math import prod
from pathlib import Path

from hnseg_infer.errors import InputError
from hnseg_train.training import TrainingJob

GIB = 2**30

ACTIVATION_COPIES = 36
"""Values that backpropagation keeps per voxel and feature of the first stage, all stages together.

No model of the plans took more in a training step on a CPU.
"""

BYTES_PER_VALUE = 2
"""fp16 on a GPU, bf16 on a CPU."""

STATE_COPIES = 4
"""Single precision: weights, gradients, two moments of Adam."""

PROCESS_BYTES = 2 * GIB
"""Python, torch, nnU-Net and a CT with its labels."""

STORED_BYTES_PER_VOXEL = 2.5
"""A z-scored CT in single precision and its labels, compressed as nnU-Net does; noise compresses worst."""


def parameters(job: TrainingJob) -> int:
    """Number of weights, counted from the plans: two convolutions a stage, up and down."""
    arguments = job.settings["architecture"]["arch_kwargs"]
    features, kernels = arguments["features_per_stage"], [prod(k) for k in arguments["kernel_sizes"]]
    down = sum(
        kernel * out * (before + out)
        for before, out, kernel in zip([1, *features[:-1]], features, kernels, strict=True)
    )
    up = sum(
        kernel * out * (below + out + out)
        for out, below, kernel in zip(features[:-1], features[1:], kernels[:-1], strict=True)
    )
    return int(down + up)


def training_bytes(job: TrainingJob) -> int:
    """Memory that one training step takes on its device, about."""
    settings = job.settings
    voxels = settings["batch_size"] * prod(settings["patch_size"])
    classes = len(job.dataset["labels"])
    features = settings["architecture"]["arch_kwargs"]["features_per_stage"][0]
    activations = voxels * features * ACTIVATION_COPIES * BYTES_PER_VALUE
    # logits, their softmax and its gradient in single precision
    loss = voxels * classes * 3 * 4
    return int(activations + loss + parameters(job) * STATE_COPIES * 4)


def disk_bytes(jobs: Iterable[TrainingJob], data_voxels: int) -> int:
    """Disk that a whole road takes in its work folder, about.

    data_voxels: of all CTs together. The 2D model stores all of them, the 3D model a quarter; ROIs are small.
    A training ends with weights and the optimiser's state, three values a weight.
    """
    networks = [parameters(job) * 12 for job in jobs]
    unfinished = max(networks, default=0)
    return int(data_voxels * 1.5 * STORED_BYTES_PER_VOXEL + sum(networks) + unfinished)


def check_resources(work: Path, jobs: list[TrainingJob], data_voxels: int, device: str) -> str:
    """A sentence with the needs; raises InputError when they are not met."""
    used = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    disk = max(0, disk_bytes(jobs, data_voxels) - used)
    free = shutil.disk_usage(work).free
    if free < disk:
        raise InputError(
            f"Training needs about {disk / GIB:.1f} GiB of disk, and {work} has {free / GIB:.1f} GiB free."
        )
    largest = max(jobs, key=training_bytes)
    need, there = training_bytes(largest), _memory(device)
    if device == "cpu":
        need += PROCESS_BYTES
    if there < need:
        raise InputError(
            f"Training {largest.name} needs about {need / GIB:.1f} GiB of memory on {device}, "
            f"which has {there / GIB:.1f} GiB."
        )
    return f"Needs about {disk / GIB:.1f} GiB of disk and {need / GIB:.1f} GiB of memory on {device}"


def _memory(device: str) -> int:
    if device == "cuda":
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")]
    granted = [path.read_text().strip() for path in limits if path.is_file()]
    return min([machine, *(int(text) for text in granted if text.isdecimal())])
