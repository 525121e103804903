"""Amazon Phones in the split of AHNS: 27,879 users and 10,429 items by the authors' log.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `data/phone` of the authors' repository. The split is theirs; there are no times, and no
validation part: their code stops by the test part.
No checksum of the files is known here; the commit pins them.
"""

from negbench.data.readers.pinned_files import github, pinned_files
from negbench.data.readers.repository_lists import NAMES, Nothing, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Phones (AHNS split)",
    family="lists",
    authors="Riwei Lai, Rui Chen, Qilong Han, Chi Zhang and Li Chen",
    year=2024,
    venue="AAAI",
    link="https://github.com/Riwei-HEU/AHNS",
    paper="Adaptive Hardness Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="27,879 x 10,429",
)

COMMIT = "735b0a75ccedbac6b0578fcc5830bebd3a7e88ac"
FILES = pinned_files(
    (github("Riwei-HEU/AHNS", COMMIT, "data/phone"),),
    NAMES,
    places=("ahns/phone", "AHNS/data/phone", "data/phone"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="ahns_phone", link=CARD.link)
