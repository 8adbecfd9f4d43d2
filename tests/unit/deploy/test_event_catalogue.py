"""The events that services say they publish, hear and document belong together."""

from __future__ import annotations

from pathlib import Path

from deploy.events.catalogue import read_catalogue, unheard_of, write_page

ROOT = Path(__file__).parents[3]


def test_nobody_listens_for_what_nobody_says():
    assert unheard_of(read_catalogue()) == set()


def test_every_event_is_named_by_its_source_and_heard_by_somebody():
    for published in read_catalogue():
        assert published.event.type.startswith(f"{published.source}.")
        assert published.heard_by, published.event.type
        assert published.source not in published.heard_by


def test_the_page_that_describes_events_is_the_one_that_the_services_make():
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert page == write_page(read_catalogue()), "run: ./banyan events document > docs/events.md"
