"""KuaiRand-Pure on made files of the official layout: folder, archive, split, known negatives."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Csr, Interactions
from negbench.data.load import load
from negbench.datasets import kuairand_pure
from negbench.datasets.kuairand_pure import EARLY, FILES, LATE, RANDOM, Config
from negbench.errors import DataError
from negbench.scenario.known_negatives import known_in_all, known_in_training
from negbench.scenario.scenario import prepare

HEAD = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,"
    "is_hate,long_view,play_time_ms,duration_ms,profile_stay_time,comment_stay_time,"
    "is_profile_enter,is_rand,tab\n"
)
View = tuple[int, int, int, int, int]
"""User, video, seconds, is_click, long_view."""
LOGS: dict[str, list[View]] = {
    EARLY: [(7, 1, 10, 1, 0), (7, 1, 5, 1, 1), (7, 2, 20, 0, 0), (7, 3, 1, 0, 0), (7, 3, 40, 1, 0)]
    + [(8, 2, 11, 1, 0), (8, 1, 12, 0, 0), (6, 1, 1, 0, 0)],
    LATE: [(7, 4, 60, 0, 0), (7, 2, 50, 1, 0), (8, 3, 13, 1, 1), (8, 5, 14, 0, 0)],
    RANDOM: [(7, 5, 55, 1, 0), (7, 6, 56, 0, 0), (7, 6, 57, 0, 0), (8, 1, 30, 1, 1)]
    + [(8, 4, 31, 0, 0), (8, 4, 32, 1, 0), (8, 3, 33, 0, 0)],
}


def text_of(views: list[View], is_rand: int) -> str:
    rows = (
        f"{u},{i},20220422,900,{t}000,{c},0,0,0,0,0,{v},1,2,0,0,0,{is_rand},1\n"
        for u, i, t, c, v in views
    )
    return HEAD + "".join(rows)


def laid(home: Path, logs: dict[str, list[View]] = LOGS) -> Path:
    folder = home / "KuaiRand-Pure" / "data"
    folder.mkdir(parents=True)
    for name, views in logs.items():
        (folder / name).write_text(text_of(views, int(name == RANDOM)))
    return home


def pairs(data: Interactions, cells: Csr) -> list[tuple[object, object]]:
    assert data.user_ids is not None and data.item_ids is not None
    listed = zip(data.user_ids[cells.rows], data.item_ids[cells.indices], strict=True)
    return sorted(listed)  # type: ignore[type-var]


def observed(data: Interactions) -> list[tuple[object, object]]:
    size = {"n_rows": data.n_users, "n_columns": data.n_items}
    return pairs(data, Csr.of(data.users, data.items, **size))


def test_clicks_are_trained_on_and_random_views_judge(tmp_path: Path) -> None:
    data = load("kuairand_pure", data_dir=laid(tmp_path))
    assert observed(data) == [(7, 1), (7, 2), (7, 3), (8, 2), (8, 3)] and data.order == "time"
    assert data.times is not None and sorted(data.times.tolist()) == [5, 11, 13, 40, 50]
    assert data.judged is not None and data.truth is not None and data.judged_at_random
    assert pairs(data, data.judged) == [(7, 5), (7, 6), (8, 1), (8, 3), (8, 4)]
    assert pairs(data, data.truth) == [(7, 5), (8, 1), (8, 4)]
    assert data.unchosen is not None and data.unchosen_times is not None
    assert pairs(data, data.unchosen) == [(7, 2), (7, 3), (7, 4), (8, 1), (8, 5)]  # 6 never clicks
    assert (data.n_users, data.n_items) == (2, 6)
    assert any("1 repeated positives dropped" in note for note in data.notes)
    when = dict(zip(pairs(data, data.unchosen), range(5), strict=True))
    assert len(when) == 5 and set(data.unchosen_times.tolist()) == {1, 12, 14, 20, 60}


def test_other_signals_and_the_log_before(tmp_path: Path) -> None:
    home = laid(tmp_path)
    long = load("kuairand_pure(signal=long_view)", data_dir=home)
    assert observed(long) == [(7, 1), (8, 3)]
    assert long.truth is not None and pairs(long, long.truth) == [(8, 1)]
    before = load("kuairand_pure(log=before)", data_dir=home)
    assert observed(before) == [(7, 1), (7, 3), (8, 2)]
    assert before.unchosen is not None
    assert pairs(before, before.unchosen) == [(7, 2), (7, 3), (8, 1)]
    with pytest.raises(DataError, match="the standard log has no view with is_like"):
        load("kuairand_pure(signal=is_like)", data_dir=home)


def test_training_knows_what_was_shown_in_vain_and_no_judgement(tmp_path: Path) -> None:
    scenario = prepare("kuairand_pure", data_dir=laid(tmp_path), rule="truth(0)")
    data, parts = scenario.interactions, scenario.split
    assert pairs(data, parts.test) == [(7, 5), (8, 1), (8, 4)]
    assert "exposures" in scenario.provides
    known = known_in_training(data, parts)
    # (7, 4) came after the last click of 7 and (8, 5) after that of 8; (7, 2) and (7, 3) were
    # clicked later; (8, 1) was shown in vain, which the log knows, and clicked in the test.
    assert pairs(data, known) == [(8, 1)]
    judged_alone = {(7, 6), (8, 4), (7, 5)}
    assert not set(pairs(data, known)) & judged_alone
    every = known_in_all(data, parts)
    assert every is not None and pairs(data, every) == [(7, 4), (7, 6), (8, 5)]


def packed(home: Path, folder: Path) -> Path:
    archive = home / "KuaiRand-Pure.tar.gz"
    home.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz") as out:
        out.add(laid(folder) / "KuaiRand-Pure", "KuaiRand-Pure")
    return archive


def test_an_archive_at_hand_is_used_if_its_checksum_is_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(tmp_path / "home", tmp_path / "made")
    cache = FileCache(tmp_path / "home", tmp_path / "cache")
    with pytest.raises(DataError, match="is not the official archive .*md5:0820331067"):
        kuairand_pure.load(Config(), cache)
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    (download,) = FILES.downloads
    mine = replace(download, checksum=f"md5:{digest}")
    monkeypatch.setattr(kuairand_pure, "FILES", replace(FILES, downloads=(mine,)))
    data = kuairand_pure.load(Config(), cache)
    assert len(data) == 5 and not any("at hand" in note for note in data.notes)


def test_what_is_absent_or_in_another_layout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (download,) = FILES.downloads
    nowhere = replace(download, urls=((tmp_path / "none.tar.gz").as_uri(),))
    monkeypatch.setattr(kuairand_pure, "FILES", replace(FILES, downloads=(nowhere,)))
    with pytest.raises(DataError, match="no mirror gave KuaiRand-Pure.tar.gz"):
        kuairand_pure.load(Config(), FileCache(None, tmp_path / "cache", progress=False))
    home = laid(tmp_path / "home")
    path = home / "KuaiRand-Pure" / "data" / RANDOM
    path.write_text(text_of([(7, 5, 55, 2, 0)], 1))
    with pytest.raises(DataError, match="is_click must be 0 or 1"):
        load("kuairand_pure", data_dir=home)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not in the official layout"):
        load("kuairand_pure", data_dir=home)


def test_judged_rates_are_measured_while_training(tmp_path: Path) -> None:
    random = np.random.default_rng(0)

    def views(n: int, shown: int) -> list[View]:
        draws = zip(*random.integers(0, (30, 40), (n, 2)).T.tolist(), range(n), strict=True)
        return [(u, i, 10 * t + shown, int(random.random() < 0.4), 0) for u, i, t in draws]

    logs = {EARLY: views(500, 0), LATE: views(500, 5000), RANDOM: views(400, 5000)}
    scenario = prepare("kuairand_pure", data_dir=laid(tmp_path, logs))
    from helpers.probe_scenarios import fit_on

    from negbench.probes.monitor import FULL, Monitor

    rows = {
        name: fit_on(scenario, name, lambda w: [Monitor(scenario, w, FULL)], epochs=3).run().rows
        for name in ("random(negatives=8)", "exposed(mix=0,negatives=8)")
    }
    uniform, shown = rows.values()
    assert uniform[0]["fr_total"] > 100
    judged = np.mean([row["fnr_random"] for row in uniform])
    assert 0.3 < judged < 0.55  # 1 - 0.6 ** (views of a pair) of the random views are clicks
    assert np.mean([row["tnr_lift"] for row in uniform]) == pytest.approx(1, abs=0.1)
    assert np.mean([row["tnr_lift"] for row in shown]) > 1.5
