"""Amazon Beauty in the split of DENS: 7,670 users and 10,887 items by the authors' logs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `DENS/data/beauty` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
No checksum of the files is known here; the commit pins them.
"""

from negbench.data.readers.pinned_files import github, pinned_files
from negbench.data.readers.repository_lists import NAMES, Nothing, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (DENS split)",
    family="lists",
    authors="Riwei Lai, Li Chen, Yuhan Zhao, Rui Chen and Qilong Han",
    year=2023,
    venue="WSDM",
    link="https://github.com/Riwei-HEU/DENS",
    paper="Disentangled Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="7,670 x 10,887",
)

COMMIT = "4ae0ecd0d15155664c1e10134d7e5fe6e742e21e"
FILES = pinned_files(
    (github("Riwei-HEU/DENS", COMMIT, "DENS/data/beauty"),),
    NAMES,
    places=("dens/beauty", "DENS/DENS/data/beauty", "DENS/data/beauty", "data/beauty"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="dens_beauty", link=CARD.link)
