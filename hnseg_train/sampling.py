"""How often each source's samples are drawn: nnU-Net draws from a list of names, so names are repeated."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnseg_infer.files import write_whole

SAMPLING_FILE = "sampling.json"
"""In a model's data set folder: ``source`` of every sample, and the ``share`` of every source."""

FINENESS = 20
"""The rarest sample is named so often: shares hold to about one part in twice as many."""


def write_sampling(folder: Path, source: Mapping[str, str], share: Mapping[str, float]) -> Path:
    """Say where each sample of a data set comes from; returns the file."""
    path = folder / SAMPLING_FILE
    write_whole(path, [json.dumps({"share": share, "source": source}, indent=1, sort_keys=True).encode()])
    return path


def repeated(samples: Sequence[str], folder: Path) -> list[str]:
    """The samples, each as often as its source's share asks for; once where the data set does not say.

    Shares are those of the sources that have a sample here, whatever their numbers of samples.
    """
    path = folder / SAMPLING_FILE
    if not path.is_file():
        return list(samples)
    said = json.loads(path.read_bytes())
    source = {sample: said["source"][sample] for sample in samples}
    counts = Counter(source.values())
    weight = {name: said["share"][name] / count for name, count in counts.items()}
    rarest = min(weight.values())
    if rarest == max(weight.values()):
        return list(samples)
    often = [(s, n) for s in samples for n in range(round(FINENESS * weight[source[s]] / rarest))]
    # mixed, since the first few are taken to stand for all; the order follows from the names alone
    return [s for s, _ in sorted(often, key=lambda pair: hashlib.sha256(f"{pair}".encode()).digest())]
