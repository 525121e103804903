"""Amazon Health as in IR-Benchmark: 1,974 users, 1,200 items, 48,189 pairs.

Official layout: `train.tsv` and `test.tsv` with the header `user_procid item_procid`, ids from 0;
the benchmark's archive of `amazon2014-health` holds them. The split is the benchmark's, that of the
tables of PSL and SL@K; the valid part is drawn as its code draws it, by `fold`.
"""

from negbench.data.readers.ir_benchmark import Fold, ir_files, ir_loader
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Health (IR-Benchmark split)",
    family="lists",
    authors="",
    year=2024,
    venue="",
    link="https://github.com/Tiny-Snow/IR-Benchmark-Dataset",
    provides=("part",),
    licence="",
    terms="no licence is stated; Amazon reviews, research use",
    size="1,974 x 1,200; 48,189",
)

FILES = ir_files(
    "amazon2014-health",
    "7a4440c524a9ef8d7c451eadb68e52859205007e",
    terms=CARD.terms,
    tables=(
        "bad5594c6f86a7e33573b862e56c4a5786aba35b0ad6a75b743a359a95f01d52",
        "906b75f193149b52fd51a2dc92177cfcd9bd674067dad756e1195ba5d046a43d",
    ),
)

Config = Fold
load = ir_loader(FILES, name="ir_health", link=CARD.link)
