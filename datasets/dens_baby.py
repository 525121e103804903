"""Amazon Baby in the split of DENS: 4,314 users, 5,854 items, 42,657 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `DENS/data/baby` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from negbench.data.readers.repository_lists import Nothing, list_files, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Baby (DENS split)",
    family="lists",
    authors="Riwei Lai, Li Chen, Yuhan Zhao, Rui Chen and Qilong Han",
    year=2023,
    venue="WSDM",
    link="https://github.com/Riwei-HEU/DENS",
    paper="Disentangled Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="4,314 x 5,854; 42,657",
)

FILES = list_files(
    "Riwei-HEU/DENS/4ae0ecd0d15155664c1e10134d7e5fe6e742e21e",
    "DENS/data/baby",
    (
        "f3436dd517778b4902c81d8cab8ca8b841ede49c6673ac550dc7060a580921ab",
        "10d349862f72f0b77c9f40c1579b694d90ab48ecf74d561b9f02b171cbf1088f",
    ),
    places=("dens/baby", "DENS/DENS/data/baby", "DENS/data/baby", "data/baby"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="dens_baby", link=CARD.link)
