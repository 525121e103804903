"""Amazon Movies as in IR-Benchmark: 26,968 users, 18,563 items, 762,957 pairs.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `amazon2014-movie` holds them. The split is the benchmark's; the
valid part is drawn as its code draws it, by `fold`.
No checksum of the archive is known here; the commit pins it.
"""

from negbench.data.readers.ir_benchmark import Fold, ir_files, ir_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Movies (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="26,968 x 18,563; 762,957",
)

FILES = ir_files(
    "amazon2014-movie",
    terms=CARD.terms,
)

Config = Fold
load = ir_loader(FILES, name="ir_movie", link=CARD.link)
