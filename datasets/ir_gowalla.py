"""Gowalla as in IR-Benchmark: 29,858 users, 40,988 places, 1,027,464 pairs.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `gowalla` holds them. The split is the benchmark's, that of the
tables of PSL and SL@K; the valid part is drawn as its code draws it, by `fold`.
The archive is verified; of the tables themselves no checksum is known here.
"""

from negbench.data.readers.ir_benchmark import Fold, ir_files, ir_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Gowalla (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="no licence is stated; research use, cite Cho et al. 2011",
    size="29,858 x 40,988; 1,027,464",
)

FILES = ir_files(
    "gowalla",
    "62040711e887d0bcef7c5d2309ecfea5bb67ecd6",
    terms=CARD.terms,
)

Config = Fold
load = ir_loader(FILES, name="ir_gowalla", link=CARD.link)
