"""Amazon Sports in the split of AHNS: 35,598 users, 18,357 items, 296,337 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `data/sport` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from negbench.data.readers.repository_lists import Nothing, list_files, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Sports (AHNS split)",
    family="lists",
    authors="Riwei Lai, Rui Chen, Qilong Han, Chi Zhang and Li Chen",
    year=2024,
    venue="AAAI",
    link="https://github.com/Riwei-HEU/AHNS",
    paper="Adaptive Hardness Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="35,598 x 18,357; 296,337",
)

FILES = list_files(
    "Riwei-HEU/AHNS/735b0a75ccedbac6b0578fcc5830bebd3a7e88ac",
    "data/sport",
    (
        "446ff26e2a5c0ca7556bcc2ebf5275177ccba92c49cb63905de850e0085a6c37",
        "36456558a5cfb709893203e964e7fa8f1f284f6c9735eb05f8f6d71d267c3978",
    ),
    places=("ahns/sport", "AHNS/data/sport", "data/sport"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="ahns_sport", link=CARD.link)
