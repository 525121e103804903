"""MovieLens 100K as in IR-Benchmark: 939 users, 1,016 films, 80,393 pairs.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `movielens-100k` holds them. The split is the benchmark's, that of the
tables of PSL and SL@K; the valid part is drawn as its code draws it, by `fold`.
The archive is verified; of the tables themselves no checksum is known here.
"""

from negbench.data.readers.ir_benchmark import Fold, ir_files, ir_loader
from negbench.plugins.card import Card

CARD = Card(
    title="MovieLens 100K (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="MovieLens terms: research use, acknowledge, no redistribution",
    size="939 x 1,016; 80,393",
)

FILES = ir_files(
    "movielens-100k",
    "30d6f45471788fbf8cd67743a4fb3744293b5c4a",
    terms=CARD.terms,
)

Config = Fold
load = ir_loader(FILES, name="ir_ml_100k", link=CARD.link)
