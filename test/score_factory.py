"""Scores made up for tests."""

from hnseg_train.evaluation.metrics import OrganScore


def found(value, name, dsc, hd95, nsd=0.5, predicted=1.0, reference=1.0):
    return OrganScore(value, name, predicted, reference, dsc, hd95, nsd)


def missed(value, name, reference=1.0):
    return OrganScore(value, name, 0.0, reference, 0.0, None, 0.0)


def absent(value, name, predicted=0.0):
    return OrganScore(value, name, predicted, 0.0, None, None, None)
