"""Choices that both sides come to, files that are checked, shares that nobody else has, seats sold once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pools import FORMAT, Pools, PoolsError, load, save, share_of
from loadtests.pools.choosing import chosen
from loadtests.pools.claims import GRACE_S, Claim, Claims, sold_twice

NOW = 1_800_000_000.0


def claim(booking: str, from_seq: int, to_seq: int, until: float | None = None, seat: str = "1A") -> Claim:
    return Claim("trip", seat, from_seq, to_seq, booking, until)


def empty_pools() -> Pools:
    person = {"id": "", "email": "", "access_token": "", "refresh_token": "", "expires_at": 0.0}
    lists = {name: [] for name in Pools.__required_keys__ - {"format", "host", "seed", "admin"}}
    return Pools(format=FORMAT, host="http://localhost", seed=1, admin=person, **lists)


class TestChoosing:
    @given(st.sets(st.integers(), min_size=2, max_size=40), st.integers(1, 20), st.integers())
    def test_one_who_is_gone_moves_nobody_else(self, candidates, count, seed):
        before = chosen(candidates, count, seed, str)
        gone = before[0]
        after = chosen(candidates - {gone}, count, seed, str)
        assert after[: len(before) - 1] == before[1:]

    def test_another_seed_is_another_choice(self):
        assert chosen(range(100), 10, 1, str) != chosen(range(100), 10, 2, str)

    def test_the_order_of_the_candidates_does_not_matter(self):
        assert chosen(range(100), 10, 1, str) == chosen(reversed(range(100)), 10, 1, str)


class TestShares:
    @given(st.lists(st.integers(), unique=True), st.integers(1, 7))
    def test_workers_share_everything_and_nothing_twice(self, items, workers):
        shares = [share_of(items, index, workers) for index in range(workers)]
        assert sorted(each for share in shares for each in share) == sorted(items)


class TestFile:
    def test_what_is_saved_can_be_loaded_and_is_the_owners_alone(self, tmp_path):
        file = tmp_path / "pools.json"
        save(empty_pools(), file)
        assert load(file) == empty_pools()
        assert file.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ("", "cannot be read"),
            ("[]", "holds no pools"),
            ('{"format": 2}', "holds no pools"),
            (json.dumps(empty_pools() | {"trips": None} | {"format": FORMAT}).replace("trips", "t"), "lacks"),
        ],
    )
    def test_another_file_is_refused_in_a_line(self, tmp_path, content, says):
        file = tmp_path / "pools.json"
        file.write_text(content, encoding="utf-8")
        with pytest.raises(PoolsError, match=says):
            load(file)

    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(PoolsError, match="cannot be read"):
            load(tmp_path / "none.json")


class TestClaims:
    def test_the_same_seat_on_another_stretch_is_sold_again(self):
        claims = Claims()
        assert claims.take(claim("one", 0, 2), NOW) is None
        assert claims.take(claim("other", 2, 4), NOW) is None

    def test_a_seat_that_two_have_is_found(self):
        claims = Claims()
        first = claim("one", 0, 2)
        claims.take(first, NOW)
        assert claims.take(claim("other", 1, 4), NOW) is first

    def test_a_hold_ends(self):
        claims = Claims()
        claims.take(claim("one", 0, 2, until=NOW + 600), NOW)
        assert claims.take(claim("other", 0, 2), NOW + 600 - GRACE_S + 1) is None

    def test_a_hold_that_is_paid_for_does_not_end(self):
        claims = Claims()
        claims.take(claim("one", 0, 2, until=NOW + 600), NOW)
        claims.sell("one")
        assert claims.take(claim("other", 0, 2), NOW + 6000) is not None

    def test_what_is_given_back_is_free_and_the_rest_is_not(self):
        claims = Claims()
        claims.take(claim("one", 0, 2, seat="1A"), NOW)
        claims.take(claim("one", 0, 2, seat="1B"), NOW)
        claims.give_back("one", ["1A"])
        assert claims.take(claim("other", 0, 2, seat="1A"), NOW) is None
        assert claims.take(claim("other", 0, 2, seat="1B"), NOW) is not None
        claims.give_back("one")
        assert {each.booking_id for each in claims.live(NOW)} == {"other"}

    def test_two_workers_may_not_have_the_same_seat(self):
        workers = Claims(), Claims()
        workers[0].take(claim("one", 0, 2), NOW)
        workers[1].take(claim("other", 1, 3), NOW)
        told = [each for worker in workers for each in worker.live(NOW)]
        assert [{each.booking_id for each in pair} for pair in sold_twice(told, NOW + 60)] == [
            {"one", "other"}
        ]

    def test_what_was_taken_after_the_first_worker_told_may_be_what_it_gave_back(self):
        workers = Claims(), Claims()
        workers[0].take(claim("one", 0, 2), NOW)
        told = workers[0].live(NOW + 60)
        workers[0].give_back("one")
        workers[1].take(claim("other", 0, 2), NOW + 61)
        assert sold_twice([*told, *workers[1].live(NOW + 62)], NOW + 60) == []
