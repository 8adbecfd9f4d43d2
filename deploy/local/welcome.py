"""What a person is told when the stack is up: where it is, who one can be there, and what to try."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DEMO: Final = "deploy.demo"


def demo_logins() -> Sequence[tuple[str, str, str]]:
    """Role, email and password of each demo login; empty where there is no demo data to log in to."""
    try:
        logins = importlib.import_module(_DEMO).LOGINS
    except (ImportError, AttributeError):
        return ()
    return [(str(role), str(email), str(password)) for role, email, password in logins]


def welcome(
    url: str,
    origins: Mapping[str, str],
    seconds: float,
    since_make_s: float | None,
    *,
    cold: bool,
    demo: bool,
) -> str:
    """The closing words of the start-up, as one text."""
    logins = demo_logins() if demo else ()
    lines = ["", f"  Banyan is ready at {url}", ""]
    if logins:
        widths = [max(len(login[column]) for login in logins) for column in (0, 1)]
        lines.append("  Log in as")
        lines += [f"    {role:<{widths[0]}}  {email:<{widths[1]}}  {word}" for role, email, word in logins]
        lines.append("")
    tries = [
        (f"open {url}", "find a bus, book a seat, pay with a test card"),
        (f"curl -s '{url}/api/places?q=a'", f"the same as an API, described at {url}/api/docs"),
        ("./banyan routes", "where each route is answered from"),
    ]
    width = max(len(command) for command, _ in tries)
    lines += ["  Try next", *(f"    {command:<{width}}  {what}" for command, what in tries), ""]
    lines += ["  Taken: " + "; ".join(f"{what} {origin}" for what, origin in origins.items())]
    kind = "cold" if cold else "warm"
    in_all = f" ({since_make_s:.1f} s since you typed `make run`)" if since_make_s is not None else ""
    lines += [f"  Ready after {seconds:.1f} s, {kind} start{in_all}. Ctrl-C stops everything.", ""]
    return "\n".join(lines)
