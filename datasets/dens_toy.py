"""Amazon Toys in the split of DENS: 4,626 users, 10,083 items, 52,790 pairs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `DENS/data/toy` of the authors' repository. The split is theirs; there are no times,
and no validation part: their code stops by the test part.
"""

from negbench.data.readers.repository_lists import Nothing, list_files, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Toys (DENS split)",
    family="lists",
    authors="Riwei Lai, Li Chen, Yuhan Zhao, Rui Chen and Qilong Han",
    year=2023,
    venue="WSDM",
    link="https://github.com/Riwei-HEU/DENS",
    paper="Disentangled Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="4,626 x 10,083; 52,790",
)

FILES = list_files(
    "Riwei-HEU/DENS/4ae0ecd0d15155664c1e10134d7e5fe6e742e21e",
    "DENS/data/toy",
    (
        "886ffcd919c2d2182a99d7f8cf32e058591b9ec2dd73c62db31d527ba3965da0",
        "49f45b6bb8e98499d043d91a370a2bc7ac09083cb2f2327349730f739893bec0",
    ),
    places=("dens/toy", "DENS/DENS/data/toy", "DENS/data/toy", "data/toy"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="dens_toy", link=CARD.link)
