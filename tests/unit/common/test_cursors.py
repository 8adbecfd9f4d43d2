from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.cursors import decode_cursor, encode_cursor, page
from common.problems import ValidationFailed

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.one_of(
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63) + 1, 2**63 - 1),
    TEXT,
)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_what_goes_into_a_cursor_comes_out_of_it(values: list[object]):
    types = [type(value) for value in values]
    assert decode_cursor(encode_cursor(*values), types) == tuple(values)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_on_the_field_cursor(text: str):
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor(text, [datetime, UUID])
    assert list(refused.value.errors or {}) == ["cursor"]


@pytest.mark.parametrize(
    ("values", "types"),
    [
        (("x",), [UUID]),
        (("2030-01-01T00:00:00",), [datetime]),
        ((1, 2), [int]),
        ((None,), [int]),
        (("NaN",), [Decimal]),
        (("a\0b",), [str]),
        ((5,), [str]),
        (("5",), [int]),
    ],
)
def test_values_of_another_type_or_number_are_refused(values: tuple[object, ...], types: list[type]):
    with pytest.raises(ValidationFailed):
        decode_cursor(encode_cursor(*values), types)


def test_none_is_good_only_where_it_may_be():
    assert decode_cursor(encode_cursor(None, 3), [date | None, int]) == (None, 3)


def test_an_integer_that_no_column_holds_is_refused():
    with pytest.raises(ValidationFailed):
        decode_cursor(encode_cursor(2**63), [int])


def test_a_page_has_a_cursor_only_when_there_is_more():
    rows = [(number, uuid4()) for number in range(4)]
    first = page(rows, 3, key=lambda row: row)
    assert first["items"] == rows[:3]
    assert decode_cursor(first["next_cursor"], [int, UUID]) == rows[2]
    assert page(rows, 4, key=lambda row: row)["next_cursor"] is None
    assert page([], 4, key=lambda row: row) == {"items": [], "next_cursor": None}
