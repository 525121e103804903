"""Named streams."""

import subprocess
import sys

import torch

from negbench.ops import rng


def test_a_stream_is_its_name_and_seed():
    draw = lambda *name: torch.rand(4, generator=rng.stream(*name)).tolist()  # noqa: E731
    assert draw(0, "negatives") == draw(0, "negatives")
    assert draw(0, "negatives") != draw(0, "batches")
    assert draw(0, "negatives") != draw(1, "negatives")


def test_streams_do_not_depend_on_the_hash_seed():
    code = "from negbench.ops import rng; print(rng.derive(3, 'negatives', 7))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert seen == {f"{rng.derive(3, 'negatives', 7)}\n"}
