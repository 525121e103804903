"""Retailrocket: what visitors of a shop viewed, put into the cart and bought in 2015.

Official layout: `events.csv` (timestamp,visitorid,event,itemid,transactionid), times in
milliseconds. `events` says which of them count. Visitors come back to items: without
`--repeats keep` a pair counts once, at its first time.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import reindex
from negbench.errors import DataError
from negbench.plugins.card import Card

CARD = Card(
    title="Retailrocket (shop events)",
    family="sequences",
    authors="",
    link="https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset",
    provides=("order",),
    licence="CC BY-NC-SA 4.0, as its page says",
    terms="no commercial use; downloaded by hand, with an account of Kaggle",
    size="1,407,580 visitors; 2,756,101 events: 2,664,312 views, 69,332 into the cart, 22,457"
    " transactions",
)

TABLE = "events.csv"
FILES = DatasetFiles(
    folders=("retailrocket", "ecommerce-dataset"), files=(TABLE,), terms=CARD.terms
)
HEADER = ("timestamp", "visitorid", "event", "itemid")
COLUMNS: dict[str, Kind] = {"time": "number", "user": "whole", "event": "text", "item": "whole"}
KINDS = ("view", "addtocart", "transaction")


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    events: Literal["view", "addtocart", "transaction", "all"] = "view"
    """One kind of event, or all three."""


def load(config: Config, cache: FileCache) -> Interactions:
    """The events of the chosen kind, in the order of the file.

    Raises DataError for a kind of event that is none of the three.
    """
    local = cache.find(FILES)
    table = read_columns(local[TABLE], COLUMNS, separator=",", header=HEADER)
    event = table["event"]
    if (odd := ~event.isin(KINDS)).any():
        row = int(odd.to_numpy().argmax())
        raise DataError(
            f"{local[TABLE]}, row {row + 1}: an event must be one of {', '.join(KINDS)}; got "
            f"{event.iloc[row]!r}"
        )
    chosen = table if config.events == "all" else table[event == config.events]
    rows = RawRows(
        pd.Index(chosen["user"].to_numpy()),
        pd.Index(chosen["item"].to_numpy()),
        chosen["time"].to_numpy("float64") / 1000,
        notes=local.notes,
    )
    what = "every event" if config.events == "all" else f"each {config.events} event"
    note = f"a positive is {what}: {len(chosen):,} of {len(table):,}"
    return reindex(rows, name="retailrocket", source=CARD.link, notes=(note,))
