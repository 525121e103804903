"""Amazon Beauty as prepared for SASRec: who reviewed what, in time order per user.

Official layout: `Beauty.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from negbench.data.readers.sasrec import sasrec_file, sasrec_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang and Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    paper="Self-Attentive Sequential Recommendation",
    provides=("order",),
    licence="",
    terms="Amazon reviews: no formal licence, research use",
    size="",
)

FILES = sasrec_file("Beauty.txt", terms=CARD.terms)

load = sasrec_loader(FILES, name="beauty", link=CARD.link)
