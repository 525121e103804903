"""Freed memory is kept: a step of large blocks takes no fresh pages after the first."""

import subprocess
import sys

import pytest

from negbench.training.memory import keep_freed_memory

STEPS = """
import resource, sys, torch
from negbench.training.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def step():
    return torch.ones(40 << 18).mul(2).sum()   # 40 MiB, twice
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    done = subprocess.run(
        [sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library has no mallopt")
def test_steps_take_no_fresh_pages():
    assert faults("kept") < faults("usual")
