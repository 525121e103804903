"""MIND: news of a portal, with every impression: what was shown, and which of it was clicked.

Official layout: two folders, `MINDsmall_train` and `MINDsmall_dev` (or `MINDlarge_...`), each with
`behaviors.tsv` (impression, user, time, clicks before the record, `N1-1 N2-0 ...` shown) and
`news.tsv` (id, category, subcategory, title, abstract and more), TAB-separated without header. The
archives of these names are read too; the terms are accepted on the publisher's page, so nothing is
downloaded here.

Train are the clicks before the record and those of the train impressions, in this order; what these
showed in vain is `unchosen`. Of the dev impressions each pair is `judged` and the clicked ones are
`truth`: real, but what a system chose to show, so no random sample. Users who are in the dev file
alone bring their earlier clicks.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from negbench.data.distinct_pairs import distinct_pairs
from negbench.data.download.file_cache import DatasetFiles, FileCache, LocalFiles
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Csr, Interactions
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.readers.item_titles import Titles, titles_of, with_titles
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import reindex
from negbench.errors import DataError
from negbench.plugins.card import Card

CARD = Card(
    title="MIND (news, with impressions)",
    family="judged",
    authors="Fangzhao Wu, Ying Qiao, Jiun-Hung Chen, Chuhan Wu, Tao Qi, Jianxun Lian, Danyang"
    " Liu, Xing Xie, Jianfeng Gao, Winnie Wu and Ming Zhou",
    year=2020,
    venue="ACL",
    link="https://msnews.github.io/",
    paper="MIND: A Large-scale Dataset for News Recommendation",
    provides=("order", "texts", "truth", "exposures"),
    licence="Microsoft Research License Terms",
    terms="research only; accept the terms on the page and download by hand",
    size="small: 50,000 users of the train file; large: 1,000,000 users, 161,013 news",
)

CHECKSUMS = {
    "MINDsmall_train.zip": "md5:bd6ae77fa15949653f39829e946d327c",
    "MINDsmall_dev.zip": "md5:1c9e798fe440c1999547211cd5245e3e",
}
"""As DataRec pins them; of the large archives none is known."""
BEHAVIOURS: dict[str, Kind] = dict.fromkeys(("impression", "user", "time", "past", "shown"), "text")
NEWS: dict[str, Kind] = dict.fromkeys(
    ("item", "category", "subcategory", "title", "abstract", "url", "in_title", "in_abstract"),
    "text",
)


@dataclass(frozen=True)
class Config:
    """Which edition."""

    edition: Literal["small", "large"] = "small"
    """50,000 sampled users, or all; the large one takes some 30 GB of memory."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Earlier clicks and train clicks in order; dev impressions as judged pairs and truth.

    Raises DataError if the files are absent or in another layout.
    """
    parts = [_part(cache, f"MIND{config.edition}_{part}") for part in ("train", "dev")]
    train, dev = (_behaviours(local["behaviors.tsv"]) for local in parts)
    past, shown, judged = _past(pd.concat([train, dev])), _shown(train), _shown(dev)
    clicked = shown[shown["clicked"]].sort_values("time", kind="stable")
    chosen = pd.concat([past, clicked[["user", "item"]]], ignore_index=True)
    if not len(chosen):
        raise DataError("mind: nobody clicked anything in the train files")
    notes = (
        *dict.fromkeys(note for local in parts for note in local.notes),
        f"train: {len(past):,} clicks before the record, then {len(clicked):,} of its impressions; "
        "test: clicks of the dev impressions on what was shown there",
    )
    rows = RawRows(raw_ids(chosen["user"]), raw_ids(chosen["item"]), order="rows")
    data = reindex(rows, name="mind", source=CARD.link, licence=CARD.licence, notes=notes)
    return with_titles(_with_impressions(data, shown, judged), _titles(parts))


def _with_impressions(
    data: Interactions, shown: pd.DataFrame, judged: pd.DataFrame
) -> Interactions:
    """The data with all that was shown among the items, and what was chosen of it."""
    assert data.user_ids is not None and data.item_ids is not None
    judged = judged[judged["user"].isin(data.user_ids)]
    every = pd.concat([shown["item"], judged["item"]]).to_numpy(object)
    items = pd.unique(np.concatenate([data.item_ids, every]))
    index, shape = (pd.Index(data.user_ids), pd.Index(items)), (data.n_users, len(items))

    def cells(rows: pd.DataFrame) -> Csr:
        users, columns = (
            ids.get_indexer(pd.Index(rows[name])).astype(np.int64)
            for ids, name in zip(index, ("user", "item"), strict=True)
        )
        size = {"n_users": shape[0], "n_items": shape[1]}
        return distinct_pairs(users[users >= 0], columns[users >= 0], None, **size)[0]

    return replace(
        data,
        n_items=len(items),
        item_ids=np.asarray(items, object),
        truth=cells(judged[judged["clicked"]]),
        judged=cells(judged),
        unchosen=cells(shown[~shown["clicked"]]),
    )


def _part(cache: FileCache, folder: str) -> LocalFiles:
    """The two files of a part, from its folder or its archive at hand."""
    archive = f"{folder}.zip"
    at_hand = cache.data_dir is not None and (cache.data_dir / archive).is_file()
    downloads = (Download(archive, (), CHECKSUMS.get(archive, "")),) if at_hand else ()
    files = ("behaviors.tsv", "news.tsv")
    wanted = DatasetFiles(folders=(folder,), files=files, downloads=downloads, terms=CARD.terms)
    try:
        local = cache.find(wanted)
    except DataError as error:
        raise DataError(f"{error}; {archive} comes from {CARD.link}, by hand") from None
    if local["behaviors.tsv"].parent == cache.data_dir:
        raise DataError(
            f"mind has two parts with files of one name; put these into a folder {folder}, and name"
            " the folder above it"
        )
    return local


def _behaviours(path: Path) -> pd.DataFrame:
    """The impressions of a file, with their time in seconds. Raises DataError for a bad time."""
    table = read_columns(path, BEHAVIOURS, separator="\t")
    when = pd.to_datetime(table["time"], format="%m/%d/%Y %I:%M:%S %p", errors="coerce")
    if (bad := when.isna()).any():
        row = int(bad.to_numpy().argmax())
        raise DataError(
            f"{path}, row {row + 1}: {table['time'].iloc[row]!r:.60} must be a time as "
            "11/15/2019 8:55:22 AM; the file is not in the official layout"
        )
    if (empty := table["user"].str.strip() == "").any():
        row = int(empty.to_numpy().argmax())
        raise DataError(f"{path}, row {row + 1}: the user is missing")
    return table.assign(time=(when - pd.Timestamp(0)) / pd.Timedelta(seconds=1), path=str(path))


def _past(behaviours: pd.DataFrame) -> pd.DataFrame:
    """The clicks before the record, in order: the same in every impression of a user."""
    first = behaviours.drop_duplicates("user")
    past = first.assign(item=first["past"].str.split())[["user", "item"]].explode("item")
    return past.dropna()


def _shown(behaviours: pd.DataFrame) -> pd.DataFrame:
    """Every item of every impression: user, item, time and whether it was clicked.

    Raises DataError for one that does not end in -0 or -1.
    """
    each = behaviours.assign(word=behaviours["shown"].str.split())
    each = each[["user", "time", "word", "path"]].explode("word").dropna(subset=["word"])
    item, label = each["word"].str[:-2], each["word"].str[-2:]
    if (odd := ~label.isin(("-0", "-1")) | (item == "")).any():
        row = int(odd.to_numpy().argmax())
        raise DataError(
            f"{each['path'].iloc[row]}: what was shown must end in -0 or -1, as N55689-1; got "
            f"{each['word'].iloc[row]!r:.60}"
        )
    return each.assign(item=item, clicked=label == "-1")[["user", "item", "time", "clicked"]]


def _titles(parts: list[LocalFiles]) -> Titles:
    """Titles of the news, each once; a text is the title, then its subcategory."""
    tables = [read_columns(local["news.tsv"], NEWS, separator="\t") for local in parts]
    news = pd.concat(tables).drop_duplicates("item")
    return titles_of(news["item"], news["title"], list(news["subcategory"]))
