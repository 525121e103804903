"""Data files that are packaged with negbench, in the folder of the data sets."""

import gzip
import io
from importlib.resources import files

import pandas as pd


def packaged_bytes(name: str) -> bytes:
    """The decompressed bytes of a gzipped file of the package."""
    return gzip.decompress((files("negbench.datasets") / name).read_bytes())


def packaged_table(name: str) -> pd.DataFrame:
    """A gzipped csv of the package as text columns; an empty field is an empty string."""
    frame: pd.DataFrame = pd.read_csv(io.BytesIO(packaged_bytes(name)), dtype=str, na_filter=False)
    return frame
