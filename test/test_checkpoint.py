"""The reader against torch's own, on files that torch wrote; and what must never be read."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from hnseg_infer.checkpoint import read_checkpoint
from hnseg_infer.errors import BundleError

RANDOM = torch.Generator().manual_seed(2)


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_reads_what_torch_wrote(tmp_path):
    matrix = torch.randn((6, 5), generator=RANDOM)
    weights = OrderedDict(
        half=matrix.half(),
        single=matrix,
        double=matrix.double(),
        transposed=matrix.T,
        part=matrix[2:5, 1::2],
        channels_last=torch.randn((2, 3, 4, 5), generator=RANDOM).to(memory_format=torch.channels_last),
        count=torch.tensor(7),
        flags=torch.tensor([True, False]),
        bytes=torch.arange(5, dtype=torch.uint8),
        integers=torch.arange(5, dtype=torch.int32),
        empty=torch.zeros((0, 3)),
    )
    path = saved(
        tmp_path / "c.pth", {"network_weights": weights, "init_args": {"configuration": "2d", "n": 1}}
    )
    read = read_checkpoint(path)
    assert read["init_args"] == {"configuration": "2d", "n": 1}
    assert list(read["network_weights"]) == list(weights)
    for name, value in weights.items():
        found = read["network_weights"][name]
        assert found.dtype == value.numpy().dtype, name
        np.testing.assert_array_equal(found, value.numpy())
        assert found.size == 0 or not found.flags.writeable


class _Code:
    def __reduce__(self):
        return print, ("this must never be printed",)


@pytest.mark.parametrize(
    "hidden",
    [_Code(), torch.nn.ReLU(), np.float64(1.0), torch.zeros(2, dtype=torch.bfloat16), Path("x")],
    ids=["code", "module", "numpy", "bfloat16", "path"],
)
def test_anything_but_weights_is_refused(tmp_path, hidden, capsys):
    path = saved(tmp_path / "c.pth", {"network_weights": {}, "more": hidden})
    with pytest.raises(BundleError, match=r"c\.pth holds more than weights"):
        read_checkpoint(path)
    assert capsys.readouterr().out == ""


def rewritten(path: Path, name: str, content: bytes | None) -> Path:
    """The archive with one member replaced, or left out."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    (chosen,) = [member for member in members if member.endswith(name)]
    if content is None:
        del members[chosen]
    else:
        members[chosen] = content
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.pkl", None),
        ("data.pkl", b""),
        ("data.pkl", b"\x80\x02}"),
        ("data/0", None),
        ("data/0", b"\0" * 8),
        ("byteorder", b"big"),
    ],
)
def test_damaged_archives_are_refused(tmp_path, name, content):
    path = saved(tmp_path / "c.pth", {"network_weights": {"w": torch.ones(4)}})
    with pytest.raises(BundleError, match=r"c\.pth"):
        read_checkpoint(rewritten(path, name, content))


def test_a_tensor_may_not_reach_beyond_its_storage(tmp_path):
    """The same structure over a smaller storage: strides would lead into other memory."""
    path = saved(tmp_path / "c.pth", {"network_weights": {"w": torch.ones((4, 4))}})
    with zipfile.ZipFile(path) as archive:
        (structure,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        pickled = archive.read(structure)
    # the shape (4, 4) becomes (5, 4); the storage stays at 16 elements
    assert pickled.count(b"K\x04K\x04\x86") == 1
    rewritten(path, "data.pkl", pickled.replace(b"K\x04K\x04\x86", b"K\x05K\x04\x86"))
    with pytest.raises(BundleError, match="not a readable checkpoint"):
        read_checkpoint(path)


def test_no_archive_at_all(tmp_path):
    (tmp_path / "c.pth").write_bytes(pickle.dumps({"network_weights": {}}))
    with pytest.raises(BundleError, match="not a readable checkpoint"):
        read_checkpoint(tmp_path / "c.pth")
    with pytest.raises(BundleError, match="not a readable checkpoint"):
        read_checkpoint(tmp_path / "nowhere.pth")
