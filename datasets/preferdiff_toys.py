"""Amazon Toys and Games as in PreferDiff, users apart: 19,412 users, 11,921 items, 138,444 pairs.

Official layout: the folder `Toys_and_Games` of PreferDiff's `data` with `train_data.txt`,
`valid_data.txt` and `test_data.txt`, or these files named `Toys_and_Games.train_data.txt` and so
on; a user's items in time order on each line, ids from 1. Users are split 8:1:1; of a valid or test
user the last item is ranked, and the earlier ones are read as history (fold-in).
"""

from negbench.data.readers.preferdiff import preferdiff_files, preferdiff_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Toys and Games (PreferDiff, users apart)",
    family="sequences",
    authors="Shuo Liu, An Zhang, Guoqing Hu, Hong Qian and Tat-Seng Chua",
    year=2025,
    venue="ICLR",
    link="https://github.com/lswhim/PreferDiff",
    paper="Preference Diffusion for Recommendation",
    provides=("order", "part"),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="19,412 x 11,921; 138,444",
)

CHECKSUMS = {
    "train": "849e00bcc19277e2f20230ea97e345a00f967546d9c5af007ef0a29c45c14dcd",
    "valid": "097e80eee8a3380002ad2c3c63695709f7fe947f0b5cc6d6dd750e73f515a28f",
    "test": "43c780a64aac22d364059217fd3621504b77a51e50122e583137a0af800cfcd7",
}
FILES = preferdiff_files("Toys_and_Games", CHECKSUMS, terms=CARD.terms)

load = preferdiff_loader(FILES, name="preferdiff_toys", link=CARD.link)
