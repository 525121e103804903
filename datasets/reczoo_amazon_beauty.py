"""Amazon Beauty as in the leaderboard of BARS: the set AmazonBeauty_m1 of RecZoo.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0. The
split is that of Sun and others (KDD 2020), with the checksums that RecZoo gives of both files;
there are no times, and no validation part.
"""

from negbench.data.readers.pinned_files import pinned_files
from negbench.data.readers.repository_lists import NAMES, Nothing, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (RecZoo, AmazonBeauty_m1)",
    family="lists",
    authors="",
    year=2020,
    venue="",
    link="https://huggingface.co/datasets/reczoo/AmazonBeauty_m1",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="",
)

FILES = pinned_files(
    ("https://huggingface.co/datasets/reczoo/AmazonBeauty_m1/resolve/main",),
    NAMES,
    places=("reczoo/AmazonBeauty_m1", "AmazonBeauty_m1", "reczoo_amazon_beauty"),
    terms=CARD.terms,
    checksums={
        "train.txt": "md5:53cc9d39bc79f13c9bd3e75bd5121d1d",
        "test.txt": "md5:66fb687136d55b51742905ece189da31",
    },
)

Config = Nothing
load = list_loader(FILES, name="reczoo_amazon_beauty", link=CARD.link)
