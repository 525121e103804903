"""Amazon Reviews 2023: the ratings of one category, with times to the millisecond, up to 2023.

Official layout: `CATEGORY.csv` of the publisher's folder benchmark/0core/rating_only, plain or
gzipped, columns user_id, parent_asin, rating and timestamp (milliseconds): every user and item,
repeated reviews of a pair removed. `--k-core 5` gives what most papers work on. A positive is a
rating of at least `min_rating`; with 4 the lower ones are known negatives.
"""

from dataclasses import dataclass

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache, LocalFiles
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import reindex
from negbench.errors import DataError, did_you_mean
from negbench.plugins.card import Card

CARD = Card(
    title="Amazon Reviews 2023 (a category, ratings only)",
    family="ratings",
    authors="Yupeng Hou, Jiacheng Li, Zhankui He, An Yan, Xiusi Chen and Julian McAuley",
    year=2024,
    venue="arXiv 2403.03952",
    link="https://amazon-reviews-2023.github.io/",
    paper="Bridging Language and Items for Retrieval and Recommendation",
    provides=("order",),
    licence="",
    terms="no licence text was found; cite Hou et al. 2024, research use",
    size="33 categories; from 0.1 million (Digital_Music) to 67 million ratings",
)

CATEGORIES = (
    "All_Beauty Amazon_Fashion Appliances Arts_Crafts_and_Sewing Automotive Baby_Products "
    "Beauty_and_Personal_Care Books CDs_and_Vinyl Cell_Phones_and_Accessories "
    "Clothing_Shoes_and_Jewelry Digital_Music Electronics Gift_Cards Grocery_and_Gourmet_Food "
    "Handmade_Products Health_and_Household Health_and_Personal_Care Home_and_Kitchen "
    "Industrial_and_Scientific Kindle_Store Magazine_Subscriptions Movies_and_TV "
    "Musical_Instruments Office_Products Patio_Lawn_and_Garden Pet_Supplies Software "
    "Sports_and_Outdoors Subscription_Boxes Tools_and_Home_Improvement Toys_and_Games Video_Games"
).split()
SITE = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/benchmark/0core/rating_only"
CHECKSUMS = {
    "Baby_Products": "md5:644025598b2e4eb6dc69b55a7f23c8ae",
    "Sports_and_Outdoors": "md5:75e1dfbb3b3014fab914832b734922e6",
    "Digital_Music": "md5:592aaf8554ad1fec842edee82ba4d9e6",
}
"""Of the gzipped files, as DataRec pins them; the publisher gives none."""
COLUMNS: dict[str, Kind] = {"user": "text", "item": "text", "rating": "number", "time": "number"}
HEADER = ("user_id", "parent_asin", "rating", "timestamp")
FOLDERS = ("amazon-2023", "amazon_2023", "rating_only")


@dataclass(frozen=True)
class Config:
    """Which category, and what counts as a positive."""

    category: str = "Baby_Products"
    """A category by its official name, as Sports_and_Outdoors."""
    min_rating: float = 1.0
    """Least rating, of 1 to 5; 1 keeps every row."""

    def __post_init__(self) -> None:
        """Check the name. Raises ValueError for a category that the publisher does not have."""
        if self.category not in CATEGORIES:
            raise ValueError(
                f"`category` must be one of the publisher's; got {self.category!r}; "
                f"{did_you_mean(self.category, CATEGORIES)}"
            )


def load(config: Config, cache: FileCache) -> Interactions:
    """Ratings at least `min_rating`, in the order of the file."""
    local = _files(config.category, cache)
    (path,) = local.paths.values()
    table = read_columns(path, COLUMNS, separator=",", header=HEADER)
    rows = RawRows(
        pd.Index(table["user"].to_numpy(object)),
        pd.Index(table["item"].to_numpy(object)),
        table["time"].to_numpy("float64") / 1000,
        table["rating"].to_numpy("float64"),
        local.notes,
    )
    least = config.min_rating
    note = f"a positive is a rating of at least {least:g}"
    return reindex(rows, name="amazon_2023", min_rating=least, source=CARD.link, notes=(note,))


def _files(category: str, cache: FileCache) -> LocalFiles:
    """The table if it is a local file, plain or gzipped, else the official gzipped one."""
    table, gzipped = f"{category}.csv", f"{category}.csv.gz"
    try:
        return cache.find(DatasetFiles(folders=FOLDERS, files=(table,), terms=CARD.terms))
    except DataError:
        download = Download(gzipped, (f"{SITE}/{gzipped}",), CHECKSUMS.get(category, ""))
        return cache.find(
            DatasetFiles(folders=FOLDERS, files=(gzipped,), downloads=(download,), terms=CARD.terms)
        )
