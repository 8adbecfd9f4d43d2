"""Plans of buses, as pieces of pages. A layout never changes once it is made, so its drawings are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from common.database import POOL
from common.web.i18n import language
from common.web.layout import templates_for
from services.company.pages import drawings
from services.company.repository import fleet as repository
from services.company.service import fleet

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from markupsafe import Markup

MOST_KEPT = 256
"""Each takes up to a tenth of a megabyte, if the bus is large."""


class Seat(NamedTuple):
    """SVG of a seat in each of its states."""

    free: Markup
    sold: Markup
    aboard: Markup


class Deck(NamedTuple):
    """A deck in pieces, the seats by their names."""

    deck: drawings.Deck
    hull: Markup
    seats: dict[str, Seat]


class Drawn(NamedTuple):
    """SVG of a layout: the symbols, once on a page, and the figures that use them."""

    symbols: Markup
    figures: Markup


PLANS = web.AppKey("plans", dict[tuple["UUID", str], Drawn])
"""By the layout and the language, those drawn last: `MOST_KEPT` at the most."""
DECKS = web.AppKey("decks", dict["UUID", tuple[Deck, ...]])
"""By the layout; seats are in no language. As many."""


async def plans_of(request: web.Request, layout_ids: Collection[UUID]) -> dict[UUID, Drawn]:
    """The plans of layouts in the reader's language; those that are not kept are drawn."""
    kept, code = request.app[PLANS], language(request).code
    new = [layout_id for layout_id in layout_ids if (layout_id, code) not in kept]
    drawn = {layout_id: kept[layout_id, code] for layout_id in layout_ids if (layout_id, code) in kept}
    if new:
        macros: Any = templates_for(request).get_template("operator_plans.html").module
        for layout in await repository.get_layouts(request.app[POOL], new):
            decks = drawings.draw(layout)
            pieces = Drawn(macros.symbols(layout, decks), macros.plans(layout, decks))
            drawn[layout["id"]] = kept[layout["id"], code] = pieces
        _forget_oldest(kept)
    return drawn


async def decks_of(request: web.Request, layout_id: UUID) -> tuple[Deck, ...]:
    """The decks of a layout; raises NotFound."""
    kept = request.app[DECKS]
    if layout_id not in kept:
        macros: Any = templates_for(request).get_template("operator_plans.html").module
        layout = await fleet.find_layout(request.app[POOL], layout_id)
        kept[layout_id] = tuple(
            Deck(
                deck,
                macros.hull(deck),
                {
                    seat.name: Seat(*(macros.cushion(seat, state) for state in Seat._fields))
                    for seat in deck.seats
                },
            )
            for deck in drawings.draw(layout)
        )
        _forget_oldest(kept)
    return kept[layout_id]


def _forget_oldest(kept: dict[Any, Any]) -> None:
    while len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
