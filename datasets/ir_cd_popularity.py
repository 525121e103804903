"""Amazon CDs under a shift of popularity (IR-Benchmark): 12,784 users, 13,874 items.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `amazon2014-cd-popularity` holds them. A fifth of the 360,763 pairs is
test, drawn item by item instead of pair by pair, so that popular items are as rare there as others.
There is no validation part: the published numbers were chosen by the test part.
No checksum of the archive is known here; the commit pins it.
"""

from negbench.data.readers.ir_benchmark import ir_files
from negbench.data.readers.pair_parts import parts_loader, read_table
from negbench.data.readers.repository_lists import Nothing
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon CDs, popularity shift (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="12,784 x 13,874; 360,763",
)

FILES = ir_files(
    "amazon2014-cd-popularity",
    commit="89e155278a8b90e4c9ad05baf2284f0d992ce156",
    home="data_ood",
    terms=CARD.terms,
)

Config = Nothing
load = parts_loader(FILES, name="ir_cd_popularity", link=CARD.link, read=read_table)
