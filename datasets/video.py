"""Amazon Video Games as prepared for SASRec: 31,013 users, 23,715 games, 287,107 reviews.

Official layout: `Video.txt` of SASRec, `user item` per line, ids from 1, each user's lines in time
order. The stamps themselves are not in the file.
"""

from negbench.data.readers.sasrec import sasrec_file, sasrec_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Video Games (SASRec)",
    family="sequences",
    authors="Wang-Cheng Kang and Julian McAuley",
    year=2018,
    venue="ICDM",
    link="https://github.com/kang205/SASRec",
    paper="Self-Attentive Sequential Recommendation",
    provides=("order",),
    licence="",
    terms="Amazon reviews: no formal licence, research use",
    size="31,013 x 23,715; 287,107",
)

FILES = sasrec_file("Video.txt", "git:f576455c76008a2c02a178c9d4ee930be632af89", terms=CARD.terms)

load = sasrec_loader(FILES, name="video", link=CARD.link)
