"""Amazon Beauty as in PreferDiff, users apart: 22,363 users, 12,101 items, 162,150 pairs.

Official layout: the folder `Beauty` of PreferDiff's `data` with `train_data.txt`, `valid_data.txt`
and `test_data.txt`, or these files named `Beauty.train_data.txt` and so on; a user's items in time
order on each line, ids from 1. Users are split 8:1:1; of a valid or test user the last item is
ranked, and the earlier ones are read as history (fold-in).
"""

from negbench.data.readers.preferdiff import preferdiff_files, preferdiff_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (PreferDiff, users apart)",
    family="sequences",
    authors="Shuo Liu, An Zhang, Guoqing Hu, Hong Qian and Tat-Seng Chua",
    year=2025,
    venue="ICLR",
    link="https://github.com/lswhim/PreferDiff",
    paper="Preference Diffusion for Recommendation",
    provides=("order", "part"),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="22,363 x 12,101; 162,150",
)

CHECKSUMS = {
    "train": "8178d83653b065faa2531d607fcd772d7f30dfb3178443d81431aa2731ab81c0",
    "valid": "73c76eac11d048bdf8f0906268c16298a66e87a081c53ae140716444aba11da9",
    "test": "5eb544d43d8e9ec51f921e6385f359badc8e7fc548a637a70d1c9b14714c506a",
}
FILES = preferdiff_files("Beauty", CHECKSUMS, terms=CARD.terms)

load = preferdiff_loader(FILES, name="preferdiff_beauty", link=CARD.link)
