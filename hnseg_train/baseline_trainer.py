"""nnU-Net's default trainer, made resumable: SGD, polynomial learning rate, mirroring along every axis."""

from hnseg_train.resumable_trainer import ResumableTrainer


class BaselineTrainer(ResumableTrainer):
    """Nothing of the recipe but the number of epochs and iterations."""
