"""MovieLens 1M in the split of AHNS: 6,040 users, 3,706 films, all 1,000,209 ratings as pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `data/ml` of the authors' repository. The split is theirs; there are no times, and no
validation part: their code stops by the test part.
"""

from negbench.data.readers.repository_lists import Nothing, list_files, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 1M (AHNS split)",
    family="lists",
    authors="Riwei Lai, Rui Chen, Qilong Han, Chi Zhang and Li Chen",
    year=2024,
    venue="AAAI",
    link="https://github.com/Riwei-HEU/AHNS",
    paper="Adaptive Hardness Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="MovieLens terms: research use, acknowledge, no redistribution",
    size="6,040 x 3,706; 1,000,209",
)

FILES = list_files(
    "Riwei-HEU/AHNS/735b0a75ccedbac6b0578fcc5830bebd3a7e88ac",
    "data/ml",
    (
        "b5d699e7297013759d8fc44b17a87652c1cc9ea496152fa76621b599358da73e",
        "862fcad55075f482fec726156063ebae20d33a093262bdd0096613228bc0eb60",
    ),
    places=("ahns/ml", "AHNS/data/ml", "data/ml"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="ahns_ml", link=CARD.link)
