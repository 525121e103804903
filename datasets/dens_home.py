"""Amazon Home in the split of DENS: 23,608 users, 26,188 items, 230,474 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `DENS/data/home` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from negbench.data.readers.repository_lists import Nothing, list_files, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Home (DENS split)",
    family="lists",
    authors="Riwei Lai, Li Chen, Yuhan Zhao, Rui Chen and Qilong Han",
    year=2023,
    venue="WSDM",
    link="https://github.com/Riwei-HEU/DENS",
    paper="Disentangled Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="23,608 x 26,188; 230,474",
)

FILES = list_files(
    "Riwei-HEU/DENS/4ae0ecd0d15155664c1e10134d7e5fe6e742e21e",
    "DENS/data/home",
    (
        "931c45594c4bbf980359c5d89b055a68bba05f649fa393a316933f76f0213fe4",
        "79c53fa6923210c8ce3184981b55da110a8972776946c1cdddfd6e69602e81cf",
    ),
    places=("dens/home", "DENS/DENS/data/home", "DENS/data/home", "data/home"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="dens_home", link=CARD.link)
