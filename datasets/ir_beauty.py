"""Amazon Beauty as in IR-Benchmark: 1,237 users, 719 items, 25,736 pairs.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `amazon2014-beauty` holds them. The split is the benchmark's; the
valid part is drawn as its code draws it, by `fold`.
No checksum of the archive is known here; the commit pins it. It is another commit than that of
`ir_health`: whether the archive is the same in both was not checked.
"""

from negbench.data.readers.ir_benchmark import Fold, ir_files, ir_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="1,237 x 719; 25,736",
)

FILES = ir_files(
    "amazon2014-beauty",
    commit="89e155278a8b90e4c9ad05baf2284f0d992ce156",
    home="data",
    terms=CARD.terms,
)

Config = Fold
load = ir_loader(FILES, name="ir_beauty", link=CARD.link)
