"""Amazon CDs as in the leaderboard of BARS: the set AmazonCDs_m1 of RecZoo.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0. The
split is that of Sun and others (KDD 2020), with the checksums that RecZoo gives of both files;
there are no times, and no validation part.
"""

from negbench.data.readers.pinned_files import pinned_files
from negbench.data.readers.repository_lists import NAMES, Nothing, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon CDs (RecZoo, AmazonCDs_m1)",
    family="lists",
    authors="",
    year=2020,
    venue="",
    link="https://huggingface.co/datasets/reczoo/AmazonCDs_m1",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="",
)

FILES = pinned_files(
    ("https://huggingface.co/datasets/reczoo/AmazonCDs_m1/resolve/main",),
    NAMES,
    places=("reczoo/AmazonCDs_m1", "AmazonCDs_m1", "reczoo_amazon_cds"),
    terms=CARD.terms,
    checksums={
        "train.txt": "md5:2df6a35cac4373cf3eef95f75568da0a",
        "test.txt": "md5:d29acb66d0fb74bc3bc0791cbbce5cf2",
    },
)

Config = Nothing
load = list_loader(FILES, name="reczoo_amazon_cds", link=CARD.link)
