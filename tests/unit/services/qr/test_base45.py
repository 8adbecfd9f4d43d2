from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.qr.domain import base45


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
    ],
)
def test_the_examples_of_rfc_9285(value, text):
    assert base45.encode(value) == text
    assert base45.decode(text) == value


@given(st.binary(max_size=300))
def test_every_value_comes_back(value):
    text = base45.encode(value)
    assert base45.decode(text) == value
    assert len(text) == len(value) // 2 * 3 + len(value) % 2 * 2


@given(st.text(alphabet=base45.ALPHABET, max_size=60))
def test_what_decodes_is_the_one_text_of_its_value(text):
    try:
        value = base45.decode(text)
    except base45.Base45Malformed:
        return
    assert base45.encode(value) == text


@pytest.mark.parametrize("text", ["0", "BB8A", "GGW", ":::", "ZZ", "bb8", "BB€", "É00", "0\n0"])
def test_what_is_not_base45_is_refused(text):
    with pytest.raises(base45.Base45Malformed):
        base45.decode(text)
