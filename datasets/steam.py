"""Steam reviews as prepared for SASRec: who reviewed which game, in time order per user.

Official layout: `Steam.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from negbench.data.readers.sasrec import sasrec_file, sasrec_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Steam (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang and Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    paper="Self-Attentive Sequential Recommendation",
    provides=("order",),
    licence="",
    terms="no formal licence, research use",
    size="",
)

FILES = sasrec_file("Steam.txt", terms=CARD.terms)

load = sasrec_loader(FILES, name="steam", link=CARD.link)
