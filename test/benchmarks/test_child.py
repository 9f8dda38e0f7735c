"""Peak memory and output of a process, whatever the one that started it holds."""

import numpy as np
import pytest
from child import run_child, run_python

MIB = 2**20

HOLD = "import sys; block = b'x' * (int(sys.argv[1]) * 2**20); print(len(block))"


def test_peak_is_what_the_process_held():
    nothing, much = run_python("-c", HOLD, "0"), run_python("-c", HOLD, "200")
    assert much.stdout == f"{200 * MIB}\n"
    assert much.peak_mib - nothing.peak_mib == pytest.approx(200, abs=10)


def test_memory_of_the_starting_process_does_not_count():
    held = np.ones(400 * MIB, np.uint8)
    assert run_python("-c", "pass").peak_mib < 100
    assert held.all()


def test_the_answer_is_the_last_line():
    assert run_python("-c", "print('a line'); print('{\"a\": [1]}')").answer == {"a": [1]}


def test_a_failure_ends_with_its_errors():
    with pytest.raises(SystemExit, match="no such thing"):
        run_python("-c", "import sys; sys.exit('no such thing')")
    with pytest.raises(SystemExit, match="FileNotFoundError"):
        run_child(["hnseg-has-no-such-command"])
