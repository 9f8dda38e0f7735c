"""One training on several GPUs of this machine: a process for each; nnU-Net's trainer shares the batch."""

import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hnseg_train.resumable_trainer import EpochReport

    Tell = Callable[[EpochReport], None]

JOIN_SECONDS = 0.5
"""How often the processes' reports are asked for."""


def run_in_processes(run: "Callable[[Tell], None]", processes: int, device: str, tell: "Tell") -> None:
    """Call ``run`` in so many processes that form one torch.distributed group; returns when all have ended.

    run: can be pickled; what it tells, ``tell`` is told in this process. device: ``cuda``, one GPU each, or
    ``cpu``. Raises what a process raised; then, and when this process is interrupted, none is left running.
    """
    from torch.multiprocessing import get_context
    from torch.multiprocessing.spawn import spawn

    reports = get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        given = (processes, device, f"file://{folder}/meeting", run, reports)
        # torch leaves spawn unannotated
        group: Any = spawn(_member, given, nprocs=processes, join=False)  # type: ignore[no-untyped-call]  # in torch
        try:
            ended = False
            while not ended:
                ended = group.join(timeout=JOIN_SECONDS)
                while not reports.empty():
                    tell(reports.get())
        finally:
            for process in group.processes:
                process.kill()
                process.join()


def _member(
    rank: int, processes: int, device: str, meeting: str, run: "Callable[[Tell], None]", reports: Any
) -> None:
    import torch
    from torch import distributed

    from hnseg_train.training import end_with_parent

    end_with_parent()
    if device == "cuda":
        torch.cuda.set_device(rank)
    backend = "nccl" if device == "cuda" else "gloo"
    distributed.init_process_group(backend, init_method=meeting, world_size=processes, rank=rank)
    try:
        run(reports.put)
    finally:
        distributed.destroy_process_group()
