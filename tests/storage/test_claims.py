"""Claims of cells: one winner, taken over from those who are gone, and from nobody else."""

import errno
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from negbench.storage import claims
from negbench.storage.claims import Claim, Held, holder, take
from negbench.storage.machine import born, lives, machine

CELL = "0a1b2c3d4e5f"


def foreign(run, *, age=0.0, number=0, **changes):
    """A claim of a worker on another machine, last touched `age` seconds ago."""
    content = {"host": "elsewhere", "machine": "another", "process": os.getpid(), "born": "1"}
    content |= {"label": "d mf a/0", "started": time.time() - age, "token": f"t{number}"}
    path = run / "claims" / (f"{CELL}.{number}.json" if number else f"{CELL}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content | changes))
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def dead():
    """The number and the start of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = born(process.pid)
    process.communicate(b"\n")
    return process.pid, start


def test_a_cell_is_claimed_by_one_and_free_again_after_it(tmp_path):
    with take(tmp_path, CELL, "d mf a/0") as held:
        assert isinstance(held, Held)
        other = take(tmp_path, CELL, "d mf a/0")
        assert isinstance(other, Claim) and not other.stale
        assert (other.process, other.label) == (os.getpid(), "d mf a/0")
        assert 0 <= other.silent < 5 and claims.claims(tmp_path)[0].token == held.token
    assert holder(tmp_path, CELL) is None and os.listdir(tmp_path / "claims") == []
    claims.clear(tmp_path)
    assert not (tmp_path / "claims").exists()


def test_an_error_inside_releases_it(tmp_path):
    with pytest.raises(KeyboardInterrupt), take(tmp_path, CELL, ""):
        raise KeyboardInterrupt
    assert isinstance(take(tmp_path, CELL, ""), Held)


def test_of_a_process_that_ended_here_it_is_taken_over_at_once(tmp_path, dead):
    process, start = dead
    foreign(tmp_path, machine=machine(), process=process, born=start)
    held = take(tmp_path, CELL, "")
    assert isinstance(held, Held) and held.number == 1
    assert isinstance(take(tmp_path, CELL, ""), Claim)
    held.release()
    assert os.listdir(tmp_path / "claims") == []


@pytest.mark.skipif(not born(os.getpid()), reason="the system does not tell when a process began")
def test_a_process_is_known_by_its_start_and_a_zombie_is_dead(dead):
    assert lives(os.getpid(), born(os.getpid())) is True
    assert lives(os.getpid(), "1") is False  # another process had its number
    assert lives(os.getpid()) is None and lives(dead[0]) is False
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    end = time.monotonic() + 30
    while lives(zombie.pid) is not False:
        assert time.monotonic() < end
        time.sleep(0.01)
    zombie.wait()


def test_of_another_machine_it_counts_by_its_heartbeat(tmp_path, monkeypatch):
    path = foreign(tmp_path, age=claims.STALE - 60)
    other = take(tmp_path, CELL, "")
    assert isinstance(other, Claim) and other.host == "elsewhere"
    os.utime(path, (time.time() - claims.STALE - 60,) * 2)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() - 1e6)  # this machine's is not asked
    assert isinstance(take(tmp_path, CELL, ""), Held)


def test_a_living_process_of_this_machine_is_never_taken_over(tmp_path):
    mine = {"machine": machine(), "process": os.getpid(), "born": born(os.getpid())}
    foreign(tmp_path, age=10 * claims.STALE, **mine)
    assert isinstance(take(tmp_path, CELL, ""), Claim)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"process": "x", "started": "y"}'])
def test_a_claim_of_anything_counts_by_its_age(tmp_path, content):
    path = foreign(tmp_path)
    path.write_text(content)
    assert isinstance(take(tmp_path, CELL, ""), Claim)
    os.utime(path, (0, 0))
    take(tmp_path, CELL, "").release()
    assert os.listdir(tmp_path / "claims") == []


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_takers_one_wins(tmp_path, stale):
    for round_ in range(20):
        run = tmp_path / str(round_)
        run.mkdir()
        if stale:
            foreign(run, age=2 * claims.STALE)
        start, won = threading.Barrier(6), []

        def taker(start=start, won=won, run=run):
            start.wait()
            won.append(isinstance(take(run, CELL, ""), Held))

        threads = [threading.Thread(target=taker) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(won) == 1


def test_whoever_is_late_gives_way_to_who_took_over(tmp_path):
    path = foreign(tmp_path, number=1)
    assert take(tmp_path, CELL, "").token == "t1"  # although number 0 is free
    assert os.listdir(path.parent) == [path.name]


def test_who_was_taken_over_from_leaves_the_claims_alone(tmp_path):
    late = take(tmp_path, CELL, "")
    path = foreign(tmp_path, number=1)
    late.release()
    assert path.exists()


def test_without_hard_links_one_wins_too(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refused)
    held = take(tmp_path, CELL, "d mf a/0")
    other = take(tmp_path, CELL, "")
    assert isinstance(held, Held) and isinstance(other, Claim) and other.label == "d mf a/0"


def test_an_answer_that_got_lost_is_no_defeat(tmp_path, monkeypatch):
    """A network file system repeats the request, and finds the link that it made itself."""
    link = os.link

    def twice(*paths):
        link(*paths)
        link(*paths)

    monkeypatch.setattr(os, "link", twice)
    assert isinstance(take(tmp_path, CELL, ""), Held)


def test_it_is_touched_as_long_as_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "HEARTBEAT", 0.02)
    held = take(tmp_path, CELL, "")
    path = tmp_path / "claims" / f"{CELL}.json"

    def touched():
        os.utime(path, (0, 0))
        time.sleep(0.3)
        return path.stat().st_mtime > 0

    assert touched()
    path.write_text('{"token": "of another"}')
    assert not touched()
    held.release()
    assert path.exists()


def test_clear_removes_what_ended_here_and_nothing_else(tmp_path, dead):
    foreign(tmp_path, number=1, machine=machine(), process=dead[0], born=dead[1])
    path = foreign(tmp_path, age=2 * claims.STALE)
    claims.clear(tmp_path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
