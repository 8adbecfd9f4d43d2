from __future__ import annotations

import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.routing.trie import BadTemplate, SameShape, Templates, Trie, build_trie, plain
from tests.unit.strangler.tables import at_any_speed, declared

TEMPLATES = (
    ("GET", "/"),
    ("GET", "/api/users"),
    ("GET", "/api/users/me"),
    ("PATCH", "/api/users/me"),
    ("PATCH", "/api/users/{id}"),
    ("GET", "/api/tickets/{id}"),
    ("GET", "/api/tickets/{id}.pdf"),
    ("GET", "/api/tickets/{id}.signed.pdf"),
    ("GET", "/api/tickets/{id}/qr"),
    ("GET", "/a/{x}/b"),
    ("GET", "/a/c/{y}"),
    ("GET", "/a/c/d/e"),
    ("GET", "/a/{x}/{y}/f"),
    ("GET", "/old/style/"),
    ("GET", "/r/{id}.png/meta"),
    ("GET", "/r/{id}/data"),
)
TRIE = build_trie(TEMPLATES)


def found(method: str, path: str) -> str | None:
    number = TRIE.find(method.encode(), path.encode())
    return None if number is None else TEMPLATES[number][1]


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/", "/"),
        ("GET", "/api/users", "/api/users"),
        ("GET", "/api/users/me", "/api/users/me"),
        ("PATCH", "/api/users/me", "/api/users/me"),
        ("PATCH", "/api/users/0197", "/api/users/{id}"),
        ("GET", "/api/users/0197", None),
        ("GET", "/api/tickets/7", "/api/tickets/{id}"),
        ("GET", "/api/tickets/7.pdf", "/api/tickets/{id}.pdf"),
        ("GET", "/api/tickets/7.signed.pdf", "/api/tickets/{id}.signed.pdf"),
        ("GET", "/api/tickets/.signed.pdf", "/api/tickets/{id}.pdf"),
        ("GET", "/api/tickets/.pdf", "/api/tickets/{id}"),
        ("GET", "/api/tickets/7.PDF", "/api/tickets/{id}"),
        ("GET", "/api/tickets/7.pdf/qr", "/api/tickets/{id}/qr"),
        ("GET", "/api/tickets/", None),
        ("GET", "/api/tickets//qr", None),
        ("GET", "/a/c/b", "/a/c/{y}"),
        ("GET", "/a/z/b", "/a/{x}/b"),
        ("GET", "/a/c/d", "/a/c/{y}"),
        ("GET", "/a/c/d/e", "/a/c/d/e"),
        ("GET", "/a/c/d/f", "/a/{x}/{y}/f"),
        ("GET", "/old/style/", "/old/style/"),
        ("GET", "/old/style", None),
        ("GET", "/r/1.png/meta", "/r/{id}.png/meta"),
        ("GET", "/r/1.png/data", "/r/{id}/data"),
    ],
)
def test_the_most_literal_template_wins_from_the_left(method, path, template):
    assert found(method, path) == template


def test_head_follows_get_and_other_methods_follow_nothing():
    assert found("HEAD", "/api/users/me") == "/api/users/me"
    assert found("HEAD", "/api/users/0197") is None
    assert found("OPTIONS", "/api/users/me") is None
    assert found("get", "/api/users/me") is None


@pytest.mark.parametrize(
    "path", ["/api/users/", "/api//users", "//api/users", "api/users", "", "*", "/API/users"]
)
def test_slashes_and_case_count(path):
    assert found("GET", path) is None


def test_percent_encoding_changes_nothing_but_for_a_slash():
    assert found("GET", "/api/%75sers/m%65") == "/api/users/me"
    assert found("GET", "/api/tickets/7%2Epdf") == "/api/tickets/{id}.pdf"
    assert found("GET", "/api/tickets/a%2Fqr") == "/api/tickets/{id}"
    assert found("GET", "/api%2Fusers") is None
    assert found("GET", "/api/tickets/%") == "/api/tickets/{id}"
    assert found("GET", "/api/tickets/%zz") == "/api/tickets/{id}"


def test_what_is_encoded_twice_is_decoded_once():
    assert found("GET", "/api/%2575sers") is None


@at_any_speed
@given(st.binary(max_size=60))
def test_decoding_twice_is_decoding_once(path: bytes):
    assert plain(plain(path)) == plain(path)


@at_any_speed
@given(st.binary(max_size=12), st.binary(max_size=300))
def test_any_bytes_are_answered(method: bytes, path: bytes):
    for asked in (method, b"GET"):
        number = TRIE.find(asked, path)
        assert number is None or 0 <= number < len(TEMPLATES)


pieces = st.one_of(
    st.sampled_from("api users me tickets a b c d e f r qr .pdf 7.pdf 1.png".split()),
    st.text(alphabet="abc.%/é", max_size=4),
)


@at_any_speed
@given(st.lists(pieces, max_size=6).map(lambda parts: "/" + "/".join(parts)))
def test_the_walk_finds_what_trying_every_template_in_order_finds(path: str):
    """The specification of precedence, written as slowly as it reads."""
    segments = plain(path.encode()).split(b"/")[1:]

    def rank(template: str) -> list[tuple[int, int]] | None:
        parts = template[1:].split("/")
        if len(parts) != len(segments):
            return None
        ranks: list[tuple[int, int]] = []
        for part, segment in zip(parts, segments, strict=True):
            ending = part.partition("}")[2].encode()
            if not part.startswith("{"):
                if part.encode() != segment:
                    return None
                ranks.append((0, 0))
            elif not segment.endswith(ending) or len(segment) <= len(ending):
                return None
            else:
                ranks.append((1, -len(ending)))
        return ranks

    ranked = [(rank(template), template) for method, template in TEMPLATES if method == "GET"]
    fitting = [(order, template) for order, template in ranked if order is not None]
    assert found("GET", path) == (min(fitting)[1] if fitting else None)


def _steps(trie: Trie, path: bytes) -> int:
    """Calls made on the way of one look-up, of Python functions and of C ones."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    trie.find(b"GET", path)
    sys.setprofile(None)
    return calls


def test_a_look_up_costs_the_same_among_ten_routes_and_ten_thousand():
    def trie_of(size: int) -> Trie:
        return build_trie(("GET", f"/api/things{number}/{{id}}/parts") for number in range(size))

    few, many = trie_of(10), trie_of(10_000)
    for path in (b"/api/things7/0197/parts", b"/api/things7/0197/other", b"/nowhere"):
        assert _steps(few, path) == _steps(many, path)


def test_a_path_of_many_segments_costs_no_more_than_the_deepest_template():
    assert _steps(TRIE, b"/x" * 4000) == _steps(TRIE, b"/x" * 10)


@pytest.mark.parametrize(
    ("method", "template", "reason"),
    [
        ("GET", "api", "does not start with /"),
        ("GET", "/a//b", "empty segment"),
        ("GET", "/a/../b", "dot segment"),
        ("GET", "/a/{id}/{id}", "stands twice"),
        ("GET", "/a/x{id}", "neither literal nor"),
        ("GET", "/a/{Id}", "neither literal nor"),
        ("GET", "/a/b c", "neither literal nor"),
        ("HEAD", "/a", "HEAD follows GET"),
        ("get", "/a", "capital letters"),
    ],
)
def test_a_template_that_cannot_be_matched_is_refused(method, template, reason):
    with pytest.raises(BadTemplate, match=reason):
        Templates().add(method, template, 0)


def test_two_templates_for_the_same_paths_are_refused():
    templates = Templates()
    templates.add("GET", "/a/{x}", 4)
    templates.add("POST", "/a/{y}", 5)
    templates.add("GET", "/a/{y}.pdf", 6)
    with pytest.raises(SameShape) as refused:
        templates.add("GET", "/a/{y}", 7)
    assert refused.value.other == 4


@at_any_speed
@given(st.data())
def test_every_declared_route_is_found_by_a_path_made_from_it(data):
    table = declared()
    route = data.draw(st.sampled_from(table.routes))
    path = route.template
    while "{" in path:
        value = data.draw(
            st.uuids().map(str) | st.text(min_size=1, max_size=5).map(lambda text: quote("q" + text, safe=""))
        )
        path = path[: path.index("{")] + value + path[path.index("}") + 1 :]
    number = table.trie.find(route.method.encode(), path.encode())
    assert number is not None
    assert table.routes[number].template.count("{") <= route.template.count("{")
