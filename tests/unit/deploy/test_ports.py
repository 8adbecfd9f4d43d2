"""Ports of stacks side by side, and who holds one."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deploy.local.checks import check_ports
from deploy.local.ports import free_ports, holder_of, is_taken, ports_for
from deploy.local.refusals import CannotStart


def test_the_default_port_gives_the_ports_of_the_design():
    ports = ports_for(8080)
    assert (ports["gateway"], ports["strangler"], ports["legacy"], ports["console"]) == (
        8080,
        8000,
        8010,
        8020,
    )
    assert [ports[name] for name in ("auth", "user", "company", "ticketing", "qr", "payment")] == [
        8001, 8002, 8003, 8004, 8005, 8006,
    ]  # fmt: skip


@given(st.integers(8030, 8139), st.integers(8030, 8139))
def test_two_stacks_near_each_other_share_no_port(one, other):
    assume(one != other)
    mine, theirs = set(ports_for(one).values()), set(ports_for(other).values())
    shared = mine & theirs
    # A public port may only ever meet the design's internal ones, 8000 to 8063.
    assert shared <= {one, other} & set(ports_for(8080).values())


@given(st.integers(1, 65_535).filter(lambda port: not 8000 <= port < 8080))
def test_every_public_port_gives_other_internal_ports_that_exist(public):
    ports = ports_for(public)
    internal = [port for name, port in ports.items() if name != "gateway"]
    assert len({public, *internal}) == len(internal) + 1
    assert all(1024 < port < 32_768 for port in internal)


def test_a_listener_is_seen_and_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_taken("127.0.0.1", port)
        holder = holder_of(port)
    assert not is_taken("127.0.0.1", port)
    if sys.platform == "linux":
        assert holder.pid == os.getpid()
        assert "python" in holder.command


def test_a_listener_that_shares_its_port_is_seen_too():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert is_taken("127.0.0.1", server.getsockname()[1])


def test_all_taken_ports_are_named_in_one_message():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = {"legacy": one.getsockname()[1], "strangler": two.getsockname()[1]}
        with pytest.raises(CannotStart) as refused:
            check_ports(ports, ("127.0.0.1",))
    assert f"port {ports['legacy']}, wanted for legacy" in str(refused.value).lower()
    assert f"port {ports['strangler']}, wanted for strangler" in str(refused.value)


def test_free_ports_are_free():
    with free_ports() as ports:
        assert not any(is_taken("127.0.0.1", port) for port in ports.values())


def test_two_who_ask_for_free_ports_get_different_ones():
    with contextlib.ExitStack() as held:
        blocks = [held.enter_context(free_ports()) for _ in range(20)]
    assert len({port for block in blocks for port in block.values()}) == sum(map(len, blocks))
