"""The small labelled head."""

import numpy as np
import pytest
from numpy.typing import NDArray
from varied_head import varied_head

from hnseg_infer.volume import Volume


@pytest.fixture
def head() -> tuple[Volume, NDArray[np.uint8]]:
    """CT and labels, canonical."""
    return varied_head()
