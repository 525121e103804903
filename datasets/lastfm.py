"""Last.fm (HetRec 2011): 1,892 users, 17,632 artists, 92,834 pairs of who listens to whom.

Official layout: `user_artists.dat` (userID TAB artistID TAB weight, a header, CRLF) and
`artists.dat`. The weight counts plays; there are no times, so no order is known.
"""

from dataclasses import dataclass

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache, LocalFiles
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.item_titles import Titles, titles_of, with_titles
from negbench.data.readers.typed_tables import read_columns
from negbench.data.reindex import reindex
from negbench.plugins.card import Card

CARD = Card(
    title="Last.fm 2K (HetRec 2011)",
    family="ratings",
    authors="Iván Cantador, Peter Brusilovsky and Tsvi Kuflik",
    year=2011,
    venue="HetRec at RecSys",
    link="https://grouplens.org/datasets/hetrec-2011/",
    paper="2nd Workshop on Information Heterogeneity and Fusion in Recommender Systems "
    "(HetRec 2011)",
    provides=("texts",),
    licence="non-commercial use",
    terms="non-commercial use; cite HetRec 2011 (see readme.txt in the archive)",
    size="1,892 x 17,632; 92,834",
)

FILES = DatasetFiles(
    folders=("hetrec2011-lastfm-2k", "lastfm"),
    files=("user_artists.dat",),
    optional=("artists.dat",),
    downloads=(
        Download(
            "hetrec2011-lastfm-2k.zip",
            ("https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip",),
            # As several projects pin it; GroupLens publishes none.
            "sha256:6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c",
        ),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_plays: int = 1
    """Least number of plays; 1 keeps every row."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Every pair played often enough, with the artists' names."""
    local = cache.find(FILES)
    table = read_columns(
        local["user_artists.dat"],
        {"user": "whole", "item": "whole", "plays": "number"},
        separator="\t",
        header=("userID", "artistID", "weight"),
    )
    table = table[table["plays"] >= config.min_plays]
    rows = RawRows(
        pd.Index(table["user"].to_numpy()), pd.Index(table["item"].to_numpy()), notes=local.notes
    )
    note = f"a positive is an artist played at least {config.min_plays} times"
    data = reindex(rows, name="lastfm", source=CARD.link, licence=CARD.licence, notes=(note,))
    return with_titles(data, _titles(local))


def _titles(local: LocalFiles) -> Titles | None:
    path = local.get("artists.dat")
    if path is None:
        return None
    artists = read_columns(
        path, {"item": "whole", "title": "text"}, separator="\t", header=("id", "name")
    )
    return titles_of(artists["item"], artists["title"], [""] * len(artists))
