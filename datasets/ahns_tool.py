"""Amazon Tools in the split of AHNS: 16,638 users, 10,217 items, 134,476 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `data/tool` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from negbench.data.readers.repository_lists import Nothing, list_files, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Tools (AHNS split)",
    family="lists",
    authors="Riwei Lai, Rui Chen, Qilong Han, Chi Zhang and Li Chen",
    year=2024,
    venue="AAAI",
    link="https://github.com/Riwei-HEU/AHNS",
    paper="Adaptive Hardness Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="16,638 x 10,217; 134,476",
)

FILES = list_files(
    "Riwei-HEU/AHNS/735b0a75ccedbac6b0578fcc5830bebd3a7e88ac",
    "data/tool",
    (
        "f59f810f2aaafe20814d9f16ff193bd571dfe3c4706fd29cf5352cc419c045bb",
        "3ba5f318520b55790e9e44a55e8dfb996328bc682a5fbb49f9a8a97a34fbc879",
    ),
    places=("ahns/tool", "AHNS/data/tool", "data/tool"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="ahns_tool", link=CARD.link)
