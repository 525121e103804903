"""Every official loader, whatever lies in its files: a right answer or one sentence.

The same examples each time; NEGBENCH_FUZZ=5000 pytest tests/data/readers/test_fuzz_official.py
tries as many new ones of each data set.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest
from helpers.hostile_bytes import EDITS, QUIET, edited
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.interactions import Interactions
from negbench.data.load import load
from negbench.errors import UserError
from negbench.plugins import registry
from negbench.scenario.splits import split

FLAGS = "|".join("01" * 9 + "1")
FILMS = "".join(f"{i}|Film {i}, The (199{i})|01-Jan-1990||http://x|{FLAGS}\n" for i in range(5))
STARS = [(u, i, (u * i) % 3 + 3, 100 * u + i) for u in range(1, 5) for i in range(1, 5) if u != i]
TABLE = "".join(f"{u},{i},{r}.0,{t}\n" for u, i, r, t in STARS)
VIEWS = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
VIEWS += "".join(f"{u},{i},1,1,t,d,{t}.5,{r / 2}\n" for u, i, r, t in STARS)
EVENTS = "timestamp,visitorid,event,itemid,transactionid\n"
EVENTS += "".join(
    f"{1000 * t},{u},{'view' if i < 4 else 'addtocart'},{i},\n" for u, i, _, t in STARS
)
JOKES = "".join(
    ",".join(["100", *(f"{(u * j) % 20 - 9.5:.2f}" for j in range(100))]) + "\n" for u in range(3)
)
LISTS = ("train.txt", "0 2 1 3\n1 0 4\n2 1 2\n"), ("test.txt", "0 4\n1 2 3\n2 0\n")
TABLES = (
    ("ratings.csv", "userId,movieId,rating,timestamp\n" + TABLE),
    ("movies.csv", 'movieId,title,genres\n1,"Story, The",A|B\n2,NA,(no genres listed)\n3,X,C\n'),
)
PAIRS = "1 5\n1 3\n2 5\n2 4\n3 1\n"
LAYOUTS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "ml_100k": (
        "ml-100k",
        (("u.data", TABLE.replace(".0", "").replace(",", "\t")), ("u.item", FILMS)),
    ),
    "ml_1m": (
        "ml-1m",
        (
            ("ratings.dat", TABLE.replace(".0", "").replace(",", "::")),
            ("movies.dat", "1::A: B::C|D\n2::Heat::Crime\n3::Up::A\n4::Ran::B\n"),
        ),
    ),
    "ml_latest_small": ("ml-latest-small", TABLES),
    "ml_10m": (
        "ml-10m",
        (
            ("ratings.dat", TABLE.replace(",", "::")),
            ("movies.dat", "1::A: B::C|D\n2::Heat::Crime\n3::Up::(no genres listed)\n4::Ran::B\n"),
        ),
    ),
    "ml_20m": ("ml-20m", TABLES),
    "ml_25m": ("ml-25m", TABLES),
    "gowalla": ("gowalla", LISTS),
    "yelp2018": ("yelp2018", LISTS),
    "amazon_book": ("amazon-book", LISTS),
    "beauty": ("sasrec", (("Beauty.txt", PAIRS),)),
    "steam": ("sasrec", (("Steam.txt", PAIRS),)),
    "video": ("sasrec", (("Video.txt", PAIRS),)),
    "ml_1m_sasrec": ("sasrec", (("ml-1m.txt", PAIRS),)),
    "goodbooks_10k": (
        "goodbooks-10k",
        (
            ("to_read.csv", "user_id,book_id\n9,8\n9,1\n8,1\n9,8\n"),
            ("books.csv", "book_id,title,authors,original_publication_year\n8,A,B,1951.0\n"),
            ("ratings.csv", "user_id,book_id,rating\n9,8,5\n9,1,3\n8,1,4\n"),
        ),
    ),
    "lastfm": (
        "hetrec2011-lastfm-2k",
        (
            ("user_artists.dat", "userID\tartistID\tweight\r\n2\t51\t100\r\n2\t52\t1\r\n"),
            ("artists.dat", 'id\tname\turl\tpictureURL\r\n51\t"Duran\thttp://a\thttp://b\r\n'),
        ),
    ),
    "coat": (
        "coat",
        (("train.ascii", "5 0 3 0\n0 4 0 1\n"), ("test.ascii", "0 5 1 4\n4 0 4 0\n")),
    ),
    "amazon_beauty": ("amazon-beauty", (("ratings_Beauty.csv", TABLE),)),
    "retailrocket": ("retailrocket", (("events.csv", EVENTS),)),
    "jester": ("jester", (("jester-data.csv", JOKES),)),
    "kuairec_full": ("KuaiRec", (("big_matrix.csv", VIEWS), ("small_matrix.csv", VIEWS))),
}
SHOWN = "user_id,video_id,time_ms,is_click,is_like,long_view\n"
SHOWN += "".join(f"{u},{i},{t}000,{r % 2},0,1\n" for u, i, r, t in STARS)
NEWS = "".join(f"N{i}\tsports\tgolf\tTitle {i}\tAbstract\thttp://x\t[]\t[]\n" for i in range(1, 5))
READ = "".join(
    f"{t}\tU{u}\t11/15/2019 8:{t % 60:02d}:22 AM\tN{u % 4 + 1}\tN{i}-1 N{i % 4 + 1}-0\n"
    for u, i, _, t in STARS
)
LAYOUTS["kuairand_pure"] = (
    "KuaiRand-Pure/data",
    (
        ("log_standard_4_08_to_4_21_pure.csv", SHOWN),
        ("log_standard_4_22_to_5_08_pure.csv", SHOWN),
        ("log_random_4_22_to_5_08_pure.csv", SHOWN),
    ),
)
LAYOUTS["mind"] = (
    "",
    tuple(
        (f"MINDsmall_{part}/{name}", text)
        for part in ("train", "dev")
        for name, text in (("behaviors.tsv", READ), ("news.tsv", NEWS))
    ),
)
LAYOUTS["amazon_2023"] = (
    "amazon-2023",
    (("Baby_Products.csv", "user_id,parent_asin,rating,timestamp\n" + TABLE),),
)
for name in (
    *("dens_baby", "dens_beauty", "dens_home", "dens_lastfm", "dens_toy"),
    *("ahns_ml", "ahns_phone", "ahns_sport", "ahns_tool"),
):
    LAYOUTS[name] = (name.replace("_", "/"), LISTS)
for name, folder in (
    ("reczoo_amazon_beauty", "AmazonBeauty_m1"),
    ("reczoo_amazon_cds", "AmazonCDs_m1"),
):
    LAYOUTS[name] = (folder, LISTS)
NODES = ("train.txt", "0 5\n0 4\n1 3\n"), ("valid.txt", "1 5\n"), ("test.txt", "2 4\n0 3\n")
LAYOUTS |= {"mixgcf_alibaba": ("mixgcf/ali", NODES), "mixgcf_amazon": ("mixgcf/amazon", NODES)}
LAYOUTS["talos_beauty"] = (
    "talos/Beauty",
    (("train_data.txt", "0 2\n0 1\n1 0\n"), ("valid_data.txt", "1 2\n"), ("test.txt", "2 1\n")),
)
IR = "user_procid\titem_procid\n"
IR = ("train.tsv", IR + "0\t2\n0\t1\n0\t3\n1\t0\n1\t4\n2\t1\n"), ("test.tsv", IR + "0\t4\n1\t2\n")
for name, folder in (
    ("ir_beauty", "amazon2014-beauty"),
    ("ir_cd", "amazon2014-cd"),
    ("ir_cd_popularity", "amazon2014-cd-popularity"),
    ("ir_electronic", "amazon2014-electronic"),
    ("ir_food", "food"),
    ("ir_gowalla", "gowalla"),
    ("ir_health", "amazon2014-health"),
    ("ir_ml_100k", "movielens-100k"),
    ("ir_movie", "amazon2014-movie"),
):
    LAYOUTS[name] = (folder, IR)
SEQUENCES = ("train", "1 2 3 4\n2 3 1\n"), ("valid", "3 4 1\n"), ("test", "4 1 2\n2 1 3 4\n")
for name, stem in (
    ("preferdiff_beauty", "Beauty"),
    ("preferdiff_toys", "Toys_and_Games"),
    ("preferdiff_sports", "Sports_and_Outdoors"),
):
    LAYOUTS[name] = (stem, tuple((f"{part}_data.txt", lines) for part, lines in SEQUENCES))
OPTIONS = {
    "goodbooks_10k": ["", "(table=ratings)"],
    "retailrocket": ["(events=addtocart)", "(events=all)"],
}
EMBEDDED = {"goodbooks", "kuairec", "synthetic"}
BINARY = {"yambda"}
"""Of parquet files, which pyarrow checks."""


def laid(place: Path, name: str, file: int = -1, blob: bytes = b"") -> Path:
    """The official files in their folder, one of them with other bytes; what holds the folder."""
    folder, files = LAYOUTS[name]
    (place / folder).mkdir(parents=True, exist_ok=True)
    for at, (path, text) in enumerate(files):
        (place / folder / path).parent.mkdir(parents=True, exist_ok=True)
        (place / folder / path).write_bytes(blob if at == file else text.encode())
    return place


def loads(name: str, place: Path) -> Interactions | None:
    """The data, checked; None where the loader refuses in one sentence."""
    before = sorted(place.parent.rglob("*"))
    data = None
    for options in OPTIONS.get(name, [""]):
        try:
            data = load(name + options, data_dir=place)
        except UserError as error:
            sentence = str(error)
            assert sentence and "\n" not in sentence and len(sentence) < 1000, sentence
            continue
        sound(data)
    assert sorted(place.parent.rglob("*")) == before
    return data


def sound(data: Interactions) -> None:
    """What every data set promises."""
    assert len(data) and 0 <= data.users.min() and data.users.max() < data.n_users
    assert 0 <= data.items.min() and data.items.max() < data.n_items
    keys = data.users * data.n_items + data.items
    assert len(np.unique(keys)) == len(keys)
    assert data.times is None or np.isfinite(data.times).all()
    for ids, n in ((data.user_ids, data.n_users), (data.item_ids, data.n_items)):
        assert ids is None or len(ids) == len(set(ids)) == n
    for words in (data.item_names, data.item_texts):
        assert words is None or {type(word) for word in words} == {str}
        assert words is None or len(words) == data.n_items
    for cells in (data.truth, data.judged, data.disliked, data.unchosen):
        assert cells is None or not len(cells) or cells.indices.max() < data.n_items
        assert cells is None or cells.n_rows == data.n_users
    try:
        parts = split(data, "auto")
    except UserError:
        return
    assert len(parts.train) + len(parts.valid) + len(parts.test) <= len(data) + len(
        data.truth if data.truth is not None else ()
    )


def test_every_loader_of_files_is_here():
    assert LAYOUTS.keys() | EMBEDDED | BINARY == set(registry.names("datasets"))


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layouts_themselves_are_loaded(tmp_path, name):
    assert loads(name, laid(tmp_path / "data", name)) is not None


@pytest.mark.parametrize("name", LAYOUTS)
@QUIET
@given(file=st.integers(0, 2), edits=EDITS)
def test_edited_files(tmp_path, name, file, edits):
    files = LAYOUTS[name][1]
    file %= len(files)
    blob = edited(files[file][1].encode(), edits)
    loads(name, laid(tmp_path / "data", name, file, blob))


def every(name: str, text: str) -> list[bytes]:
    """What befalls whole files: one for each kind of hostility."""
    lines = text.splitlines(keepends=True)
    mark = next(each for each in ("::", "\t", ",", "|", " ") if each in lines[-1])
    first, *fields = lines[-1].split(mark)
    raw = text.encode()
    blobs = [b"", b"\n\n\n", b"\0", b"\xef\xbb\xbf" + raw, text.encode("utf-16"), raw[:-3], raw[:1]]
    blobs += [lines[0].encode(), lines[-1].encode(), raw * 2000, raw + b"x" * 10_000_000]
    blobs += [raw + mark.join([value, *fields]).encode() for value in WORDS]
    blobs += [raw + mark.join([first, value, *fields[1:]]).encode() for value in WORDS]
    blobs += [raw + mark.join([first, *fields[:-1], value]).encode() + b"\n" for value in WORDS]
    return [*blobs, raw.replace(b"\n", b"\r"), raw.replace(mark.encode(), mark.encode() * 2)]


WORDS = (
    "1.0", "-1", "-9", "nan", "", " ", "1e400", "9" * 18, "9" * 25, "2147483648", "4294967296",
    "253402300800", "True", "<script>", "\\input{x}", "../../x", '"', "0x10", "1_000",
    "x" * 100_000,
)  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_whole_files_that_are_hostile(tmp_path, name):
    for at, (_, text) in enumerate(LAYOUTS[name][1]):
        for blob in every(name, text):
            loads(name, laid(tmp_path / "data", name, at, blob))


@pytest.mark.parametrize("name", LAYOUTS)
def test_damaged_gzip_of_every_file(tmp_path, name):
    place = laid(tmp_path / "data", name)
    folder, files = LAYOUTS[name]
    for path, text in files:
        blob = gzip.compress(text.encode() * 20, mtime=0)
        (place / folder / path).unlink()
        for cut in (blob[:-9], blob[: len(blob) // 2], blob[:5], b"\x1f\x8b" + blob[40:], b""):
            (place / folder / f"{path}.gz").write_bytes(cut)
            loads(name, place)
        (place / folder / f"{path}.gz").write_bytes(gzip.compress(text.encode()))
    assert loads(name, place) is not None


def test_a_million_copies_of_a_row(tmp_path):
    rows = b"1::2::5::9\n" * 1_000_000 + b"1::3::5::9\n2::2::5::9\n"
    data = loads("ml_1m", laid(tmp_path / "data", "ml_1m", 0, rows))
    assert data is not None and len(data) == 3


def test_one_user_one_item_one_pair_and_a_user_of_all(tmp_path):
    for rows, size in (
        ("1::1::5::1\n", (1, 1, 1)),
        ("1::1::5::1\n1::2::5::2\n", (1, 2, 2)),
        ("1::1::5::1\n2::1::5::2\n", (2, 1, 2)),
        ("1::1::5::1\n1::2::5::2\n1::3::5::3\n2::3::5::1\n", (2, 3, 4)),
        ("-1::-1::5::-99\n7::8::5::253402300800\n", (2, 2, 2)),
    ):
        data = loads("ml_1m", laid(tmp_path / "data", "ml_1m", 0, rows.encode()))
        assert data is not None and (data.n_users, data.n_items, len(data)) == size
