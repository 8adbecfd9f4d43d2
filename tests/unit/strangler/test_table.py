from __future__ import annotations

import pytest

from strangler.routing.table import Domain, RouteTableError, UnknownRoute, load_table
from tests.unit.strangler.tables import declared, table_of

ONE = """
[defaults]
timeout_s = 5
[domains.shop]
service = "shop-service"
groups = ["orders"]
routes = [
  { route = "POST /orders", write = "orders", max_body = "2 MiB" },
  { route = "GET /orders/{id}", read = ["orders"], timeout_s = 0.5 },
]
"""


def faults_of(folder, text: str) -> str:
    with pytest.raises(RouteTableError) as refused:
        table_of(folder, text)
    return str(refused.value)


def domain(*entries: str, groups: str = '["orders"]') -> str:
    return f"[domains.shop]\ngroups = {groups}\nroutes = [\n  " + ",\n  ".join(entries) + "\n]\n"


def test_a_file_is_read_in_its_order(tmp_path):
    table = table_of(tmp_path, ONE)
    assert table.domains == {"shop": Domain("shop", "shop-service", ("orders",))}
    assert table.groups == {"orders": "shop"}
    write, read = table.routes
    assert (write.name, write.access) == ("POST /orders", "write")
    assert (write.group, write.depends) == ("orders", ())
    assert (write.timeout_s, write.max_body, write.index) == (5.0, 2 << 20, 0)
    assert (read.name, read.access, read.group, read.depends) == (
        "GET /orders/{id}",
        "read",
        None,
        ("orders",),
    )
    assert (read.timeout_s, read.max_body, read.index) == (0.5, 1 << 20, 1)
    assert table.writers_of("orders") == (write,)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('{ route = "GET /a" }', "says neither read"),
        ('{ route = "POST /a", write = "orders", read = [] }', "says both read"),
        ('{ route = "POST /a", write = "" }', 'names no group, as in write = "orders"'),
        ('{ route = "POST /a", write = "order" }', "no group 'order' (did you mean 'orders'?)"),
        ('{ route = "GET /a", read = ["ordres"] }', "no group 'ordres' (did you mean 'orders'?)"),
        ('{ route = "GET /a", read = "orders" }', "not a list of groups"),
        ('{ route = "GET /a", read = ["orders", "orders"] }', "each once"),
        ('{ route = "GET a", read = [] }', "does not start with /"),
        ('{ route = "/a", read = [] }', "is not a method"),
        (
            '{ route = "GET /a", read = [], timeout = 3 }',
            "'timeout' means nothing here (did you mean",
        ),
        ('{ route = "GET /a", read = [], timeout_s = 0 }', "timeout_s = 0 is not a number of seconds"),
        ('{ route = "GET /a", read = [], max_body = "1 MB" }', "max_body = '1 MB' is not a size"),
    ],
)
def test_a_fault_names_the_file_the_entry_and_the_reason(tmp_path, entry, reason):
    said = faults_of(tmp_path, domain(entry))
    assert reason in said
    assert str(tmp_path / "routes.toml") in said
    name = entry.partition('"')[2].partition('"')[0]
    assert f'line 4, "{name}"' in said


def test_all_faults_are_named_at_once(tmp_path):
    said = faults_of(tmp_path, domain('{ route = "GET /a" }', '{ route = "GET /b", read = 1 }', "7"))
    assert "3 faults" in said


def test_the_second_of_two_equal_routes_is_the_fault(tmp_path):
    same = '{ route = "GET /a/{x}", read = [] }'
    assert 'line 5, "GET /a/{x}": is declared already' in faults_of(tmp_path, domain(same, same))
    other = '{ route = "GET /a/{y}", read = [] }'
    assert 'line 5, "GET /a/{y}": matches the same paths as "GET /a/{x}"' in faults_of(
        tmp_path, domain(same, other)
    )


def test_a_group_is_written_by_its_own_domain_alone(tmp_path):
    text = domain('{ route = "POST /a", write = "orders" }') + (
        '[domains.bank]\ngroups = ["money"]\nroutes = [{ route = "POST /b", write = "orders" }]\n'
    )
    assert "the group 'orders' is written by shop, not by bank" in faults_of(tmp_path, text)


def test_a_group_belongs_to_one_domain(tmp_path):
    text = domain('{ route = "POST /a", write = "orders" }') + (
        '[domains.bank]\ngroups = ["orders"]\nroutes = [{ route = "GET /b", read = [] }]\n'
    )
    assert "the group 'orders' belongs to shop already" in faults_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "[domains]: there is none"),
        ("[domains.shop]\n", "there are no routes"),
        ("[domains.legacy]\nroutes = [1]\n", "is not legacy"),
        ("domains = 7\n", "[domains]: there is none"),
        ("[domains]\nshop = 3\n", "[domains.shop]: is not a table"),
        ("[domain.shop]\n", "'domain' means nothing here (did you mean 'domains'?)"),
        ("[domains.shop\n", "is not TOML"),
    ],
)
def test_a_file_that_is_no_table_says_why(tmp_path, text, reason):
    assert reason in faults_of(tmp_path, text)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(RouteTableError, match="cannot be read"):
        load_table(tmp_path / "nowhere.toml")


def test_a_route_is_found_by_name_and_a_wrong_name_suggests_the_likely_ones():
    table = declared()
    assert table.find("post  /api/bookings").name == "POST /api/bookings"
    with pytest.raises(UnknownRoute, match='Did you mean "POST /api/bookings"'):
        table.find("POST /api/booking")
    with pytest.raises(UnknownRoute) as refused:
        table.find("GET /api/trips/0197a2c4/seats")
    assert refused.value.suggestions[0] == "GET /api/trips/{id}/seats"
    with pytest.raises(UnknownRoute) as refused:
        table.find("what?")
    assert refused.value.suggestions == ()


def test_every_group_has_a_write_and_every_write_a_group():
    table = declared()
    for group in table.groups:
        assert table.writers_of(group), group
    assert all((route.group is None) == (route.access == "read") for route in table.routes)


def test_a_feed_may_be_large_and_slow_and_nothing_else_is():
    feed = declared().find("POST /api/companies/{id}/gtfs")
    assert (feed.timeout_s, feed.max_body) == (120, 20 << 20)
    search = declared().find("GET /api/search")
    assert (search.timeout_s, search.max_body) == (30, 1 << 20)
