"""Before and after a run under `locust`: the pools are read or gathered, and each worker gets its share.

Whoever starts the run (Locust alone, or the master) has the pools; workers are sent theirs, so that they need
no file, and no two of them play the same passenger. At the end the master asks which seats their people have:
none may be sold twice, whoever sold it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import gevent
from locust.runners import MasterRunner, WorkerRunner

from loadtests.people.cast import Cast
from loadtests.people.casting import pools_for
from loadtests.people.person import Visitor
from loadtests.pools import PoolsError
from loadtests.pools.claims import Claim, sold_twice

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment
    from locust.event import Events
    from locust.rpc import Message

TOLD_WITHIN_S: Final = 10.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Heard:
    """At the master: what the workers' people have, and when each worker said so."""

    live: list[Claim] = field(default_factory=list)
    at: list[float] = field(default_factory=list)


_heard: Final = _Heard()


def take_part(events: Events) -> None:
    """Called by the locustfile, once."""
    for hook, listener in (
        (events.init_command_line_parser, add_options),
        (events.init, listen),
        (events.test_start, set_stage),
        (events.test_stopping, compare_claims),
    ):
        hook.add_listener(listener)  # type: ignore[no-untyped-call] # Locust's has no types


def add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--pools",
        env_var="BANYAN_LOADTEST_POOLS",
        default="",
        help="what `python -m loadtests.pools` wrote; gathered when a test starts if left out",
    )
    parser.add_argument(
        "--think-factor",
        env_var="BANYAN_THINK_FACTOR",
        type=float,
        default=1.0,
        help="times real people's think times",
    )
    parser.add_argument(
        "--people-seed",
        env_var="BANYAN_LOADTEST_SEED",
        type=int,
        default=1,
        help="the same seed, the same deeds",
    )


def listen(environment: Environment, **_: object) -> None:
    """Master and workers talk about the cast; the clock of a run starts when the pools are there."""
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("cast", _take_cast)
        environment.runner.register_message("tell-claims", _tell_claims)
        return
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("claims", _hear_claims)
    options = environment.parsed_options
    if options is not None and (options.headless or options.autostart):
        try:
            pools_for(options.pools, str(environment.host), options.people_seed, options.num_users or 0)
        except PoolsError as error:
            raise SystemExit(f"No test: {error}") from None


def set_stage(environment: Environment, **_: object) -> None:
    """A worker has its cast by then: the master sends it before it sends people."""
    runner, options = environment.runner, environment.parsed_options
    if runner is None or options is None or isinstance(runner, WorkerRunner):
        return
    try:
        pools = pools_for(options.pools, str(environment.host), options.people_seed, runner.target_user_count)
    except PoolsError as error:
        _log.error("No test: %s", error)
        environment.process_exit_code = 1
        runner.quit()
        return
    settings = {"seed": options.people_seed, "think_factor": options.think_factor}
    if not isinstance(runner, MasterRunner):
        Visitor.cast = Cast(pools, **settings)
        return
    workers = sorted((client.id for client in runner.clients.ready), key=runner.get_worker_index)
    for index, worker in enumerate(workers):
        share = {"pools": pools, "index": index, "count": len(workers), **settings}
        runner.send_message("cast", share, worker)
    _log.info("%d passengers are divided among %d workers", len(pools["passengers"]), len(workers))


def compare_claims(environment: Environment, **_: object) -> None:
    """While the workers still run: whoever quits is not waited for by Locust."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner) and hasattr(Visitor, "cast"):
        _log.info("Refused for a good reason: %s", dict(Visitor.cast.refused) or "nothing")
    if not isinstance(runner, MasterRunner):
        return
    _heard.live.clear()
    _heard.at.clear()
    workers = len(runner.clients.running)
    runner.send_message("tell-claims")
    with gevent.Timeout(TOLD_WITHIN_S, exception=False):
        while len(_heard.at) < workers:
            gevent.sleep(0.05)
    pairs = sold_twice(_heard.live, min(_heard.at, default=0.0))
    _log.info(
        "%d of %d workers have told: %d seats are held or sold, %d of them twice",
        len(_heard.at),
        workers,
        len(_heard.live),
        len(pairs),
    )
    for pair in pairs:
        _log.error("A seat was sold twice: %s and %s", *pair)
        environment.stats.log_error("POST", "POST /api/bookings", "a seat was sold twice, by two workers")
        environment.process_exit_code = 1


def _take_cast(msg: Message, **_: object) -> None:
    share: dict[str, Any] = msg.data
    Visitor.cast = Cast(**share)
    _log.info(
        "Worker %d of %d plays %d passengers", share["index"], share["count"], len(Visitor.cast.passengers)
    )


def _tell_claims(environment: Environment, **_: object) -> None:
    now = time.time()
    live = [asdict(each) for each in Visitor.cast.claims.live(now)]
    assert environment.runner is not None
    environment.runner.send_message("claims", {"at": now, "live": live})


def _hear_claims(msg: Message, **_: object) -> None:
    _heard.live.extend(Claim(**each) for each in msg.data["live"])
    _heard.at.append(msg.data["at"])
