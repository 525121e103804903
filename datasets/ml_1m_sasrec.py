"""MovieLens 1M as prepared for SASRec: every rating counts, 6,040 users, 3,416 films, in order.

Official layout: `ml-1m.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from negbench.data.readers.sasrec import sasrec_file, sasrec_loader
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 1M (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang and Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    paper="Self-Attentive Sequential Recommendation",
    provides=("order",),
    licence="",
    terms="MovieLens terms: research use, acknowledge, no redistribution",
    size="6,040 x 3,416; 999,611",
)

FILES = sasrec_file("ml-1m.txt", "git:9ab8e3edb8742f8d8cc4911e3dee25e82a6fcc24", terms=CARD.terms)

load = sasrec_loader(FILES, name="ml_1m_sasrec", link=CARD.link)
