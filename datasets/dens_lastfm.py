"""Last.fm in the split of DENS: 640 users and 4,165 items by the authors' logs.

Official layout: `train.txt` and `test.txt`, a line per user: `user item item ...`, ids from 0, in
the folder `DENS/data/lastfm` of the authors' repository. The lines are listening histories: items
come again and again, and many of a user's test items are in train too. A pair counts once here, and
in train where both parts have it. Their code leaves such items in the denominator of recall, though
no list may hold them: its numbers are of another kind.
No checksum of the files is known here; the commit pins them.
"""

from negbench.data.readers.pinned_files import github, pinned_files
from negbench.data.readers.repository_lists import NAMES, Nothing, list_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Last.fm (DENS split)",
    family="lists",
    authors="Riwei Lai, Li Chen, Yuhan Zhao, Rui Chen and Qilong Han",
    year=2023,
    venue="WSDM",
    link="https://github.com/Riwei-HEU/DENS",
    paper="Disentangled Negative Sampling for Collaborative Filtering",
    provides=("part",),
    licence="",
    terms="no licence is stated; Last.fm listening data, non-commercial research use",
    size="640 x 4,165",
)

COMMIT = "4ae0ecd0d15155664c1e10134d7e5fe6e742e21e"
FILES = pinned_files(
    (github("Riwei-HEU/DENS", COMMIT, "DENS/data/lastfm"),),
    NAMES,
    places=("dens/lastfm", "DENS/DENS/data/lastfm", "DENS/data/lastfm", "data/lastfm"),
    terms=CARD.terms,
)

Config = Nothing
load = list_loader(FILES, name="dens_lastfm", link=CARD.link)
