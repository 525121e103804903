"""Memory of reading: what is not used of a table is not kept."""

import subprocess
import sys

import pandas as pd
import pytest

SCRIPT = """
import resource, sys
from pathlib import Path
from negbench.data.readers.user_files import read
small, large = map(Path, sys.argv[1:])
read(small)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
assert len(read(large)) > 10_000
print(peak() - before)
"""


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_texts_beside_the_columns_are_not_kept(tmp_path, ending):
    text = "abcdefghij klmnopqrst " * 50
    rows = 20_000
    frame = pd.DataFrame(
        {
            "user_id": [n % 1500 for n in range(rows)],
            "item_id": [n % 611 for n in range(rows)],
            "timestamp": [1_600_000_000 + n for n in range(rows)],
            "review": [f"{n} {text}" for n in range(rows)],
        }
    )
    small, large = tmp_path / f"small.{ending}", tmp_path / f"large.{ending}"
    for path, part in ((small, frame.head(3)), (large, frame)):
        if ending == "parquet":
            part.to_parquet(path, compression=None)
        else:
            part.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    assert ending == "parquet" or large.stat().st_size > 20e6
    command = [sys.executable, "-c", SCRIPT, str(small), str(large)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 25, run.stdout  # MB; the texts alone are 22
