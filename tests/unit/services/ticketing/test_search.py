"""What a list by price is sorted by, and its cursors say: the same text wherever it was made."""

from __future__ import annotations

import pytest

from common.cursors import decode_cursor, encode_cursor
from services.ticketing.service.search import price_key


@pytest.mark.parametrize(
    ("minor", "currency", "key"),
    [(45000, "INR", "450.00"), (45001, "INR", "450.01"), (450, "JPY", "450"), (1230, "KWD", "1.23")],
)
def test_a_price_in_a_cursor_is_in_major_units(minor: int, currency: str, key: str) -> None:
    cursor = encode_cursor("price", price_key(minor, currency))
    assert decode_cursor(cursor, (str, str)) == ("price", key)
