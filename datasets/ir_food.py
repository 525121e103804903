"""Food recipes as in IR-Benchmark: 5,875 users, 9,852 items, 233,038 pairs.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `food` holds them. The split is the benchmark's, that of the
tables of PSL and SL@K; the valid part is drawn as its code draws it, by `fold`.
"""

from negbench.data.readers.ir_benchmark import Fold, ir_files, ir_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Food recipes (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="no licence is stated; research use",
    size="5,875 x 9,852; 233,038",
)

FILES = ir_files(
    "food",
    "6e16bb6cb915eb09090eb44a2ccda5be8be25ea2",
    terms=CARD.terms,
    tables=(
        "0d9cf84ac99d88770ab05056e09201b9915060d25c46a883e49f2a68f3477cd1",
        "ce5e17b373de3881984c4453d00eeb29a195b1b754d533d0a20716aed4724bb3",
    ),
)

Config = Fold
load = ir_loader(FILES, name="ir_food", link=CARD.link)
