"""Amazon Sports and Outdoors as in PreferDiff: 35,598 users, 18,357 items, 256,598 pairs.

Official layout: the folder `Sports_and_Outdoors` of PreferDiff's `data` with `train_data.txt`,
`valid_data.txt` and `test_data.txt`, or these files named `Sports_and_Outdoors.train_data.txt` and
so on; a user's items in time order on each line, ids from 1. Users are split 8:1:1; of a valid or
test user the last item is ranked, and the earlier ones are read as history (fold-in).
"""

from negbench.data.readers.preferdiff import preferdiff_files, preferdiff_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Sports and Outdoors (PreferDiff, users apart)",
    family="sequences",
    authors="Shuo Liu, An Zhang, Guoqing Hu, Hong Qian and Tat-Seng Chua",
    year=2025,
    venue="ICLR",
    link="https://github.com/lswhim/PreferDiff",
    paper="Preference Diffusion for Recommendation",
    provides=("order", "part"),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="35,598 x 18,357; 256,598",
)

CHECKSUMS = {
    "train": "981b8747eb167ad75bacbcc29f9fa96db3d32a27fc9c8d8bbd4f6b32122aafb3",
    "valid": "f5ebe96a94dfe24773f6622ae18c6551bf91f2df66180c4ebeceb6cd037eb24d",
    "test": "a8b7e1df43aa8648906f9c52854d49bf06e940d2218dd3b1b0ecbe5f1603d230",
}
FILES = preferdiff_files("Sports_and_Outdoors", CHECKSUMS, terms=CARD.terms)

load = preferdiff_loader(FILES, name="preferdiff_sports", link=CARD.link)
