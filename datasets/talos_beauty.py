"""Amazon Beauty in the split of Talos: 15,603 users, 8,693 items, 139,554 pairs.

Official layout: `train_data.txt`, `valid_data.txt` and `test.txt`, a line per pair: `user item`,
ids from 0, in the folder `normal_data/IID_Data_Used/Beauty` of the authors' repository. The valid
part is theirs too: a tenth of each user's train pairs, rounded up.
No checksum of the files is known here; the commit pins them.
"""

from negbench.data.readers.pair_parts import parts_loader
from negbench.data.readers.pinned_files import github, pinned_files
from negbench.data.readers.repository_lists import Nothing
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Beauty (Talos split)",
    family="lists",
    authors="Shengjia Zhang, Weiqin Yang, Jiawei Chen, Peng Wu, Yuegang Sun, Gang Wang, Qihao Shi"
    " and Can Wang",
    year=2026,
    venue="WWW",
    link="https://github.com/cynthia-shengjia/WWW-2026-Talos",
    paper="Talos: Optimizing Top-K Accuracy in Recommender Systems",
    provides=("part",),
    licence="",
    terms="the repository is under MIT; Amazon reviews, research use",
    size="15,603 x 8,693; 139,554",
)

FOLDER = "normal_data/IID_Data_Used/Beauty"
COMMIT = "b095ac8c8678d825f72ff738eb83b2070f3fc950"
FILES = pinned_files(
    (github("cynthia-shengjia/WWW-2026-Talos", COMMIT, FOLDER),),
    ("train_data.txt", "valid_data.txt", "test.txt"),
    places=("talos/Beauty", f"WWW-2026-Talos/{FOLDER}", FOLDER, "talos_beauty"),
    terms=CARD.terms,
)

Config = Nothing
load = parts_loader(FILES, name="talos_beauty", link=CARD.link)
