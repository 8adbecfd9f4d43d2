# ruff: file-ignore[unused-async] — aiohttp's handlers are coroutines
import re
from datetime import UTC, date, datetime
from pathlib import Path

import jinja2
import pytest
from aiohttp import web
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from common.context import request_context
from common.problems import Forbidden, NotFound, Unauthorized, problem_middleware
from common.schemas import Integer, LocalDate, Money, StrictSchema, Text
from common.web.flash import set_flash
from common.web.formats import (
    date_text,
    days_later,
    duration_text,
    instant_text,
    instant_time_text,
    money_text,
)
from common.web.forms import load_form, parse_form
from common.web.i18n import (
    LOCALES,
    Languages,
    compile_po,
    install_i18n,
    language_middleware,
    read_languages,
)
from common.web.layout import LOCALES as LAYOUT_LOCALES
from common.web.layout import render, setup_pages

EN, HI = Locale.parse("en_IN"), Locale.parse("hi_IN")
PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "Hello %(name)s"
msgstr "नमस्ते %(name)s"

msgid "%(num)s seat"
msgid_plural "%(num)s seats"
msgstr[0] "%(num)s सीट"
msgstr[1] "%(num)s सीटें"

msgid "100%% sure"
msgstr "100%% पक्का"
"""


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "locale" / "hi" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(PO, encoding="utf-8")
    return tmp_path / "locale"


@pytest.fixture
def languages(texts: Path) -> Languages:
    return read_languages([texts])


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("hi", "hi"),
        ("hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        ("en-GB,en;q=0.9,hi;q=0.8", "en"),
        ("fr,hi;q=0.5,en;q=0.4", "hi"),
        ("fr", None),
        ("", None),
        ("hi;q=0", None),
        ("hi;q=abc,en;q=0.1", "en"),
        (";;;,,,=q", None),
    ],
)
def test_a_language_is_accepted_by_its_weight(languages: Languages, header: str, code: str | None):
    found = languages.accept(header)
    assert (found.code if found else None) == code


def test_a_template_speaks_the_language_of_its_context(languages: Languages):
    environment = jinja2.Environment(autoescape=True)
    install_i18n(environment)
    template = environment.from_string(
        "{{ _('Hello %(name)s', name=name) }}|{{ ngettext('%(num)s seat', '%(num)s seats', 2) }}|"
        "{% trans count=1 %}{{ count }} left{% pluralize %}{{ count }} are left{% endtrans %}|"
        "{{ _('100%% sure') }}|{{ '<b>50%'|translated }}"
    )
    said = [template.render(language=language, name="<Asha>") for language in languages.all]
    assert said == [
        "Hello &lt;Asha&gt;|2 seats|1 left|100% sure|&lt;b&gt;50%",
        "नमस्ते &lt;Asha&gt;|2 सीटें|1 left|100% पक्का|&lt;b&gt;50%",
    ]


def test_a_later_folder_goes_before_an_earlier_one(texts: Path):
    hindi = read_languages([LAYOUT_LOCALES, texts]).get("hi")
    assert hindi is not None
    assert hindi.gettext("Search") == "खोजें"
    assert hindi.gettext("Hello %(name)s") == "नमस्ते %(name)s"
    assert hindi.gettext("Unknown") == "Unknown"


def test_the_layouts_texts_are_all_translated():
    hindi = compile_po(LAYOUT_LOCALES / "hi" / "LC_MESSAGES" / "messages.po", "hi")
    used = {
        text
        for template in (LAYOUT_LOCALES.parent / "templates").glob("*.html")
        for text in re.findall(r'_\("([^"]+)"\)', template.read_text(encoding="utf-8"))
    }
    assert used
    assert not [text for text in used if hindi.gettext(text) == text]


def test_money_is_written_with_the_readers_digits_groups():
    assert money_text(12345000, "INR", EN) == "₹1,23,450"
    assert money_text(12345050, "INR", EN) == "₹1,23,450.50"
    assert money_text(-45000, "INR", HI) == "-₹450"
    assert money_text(1500, "JPY", EN) == "JP¥1,500"
    assert money_text(0, "INR", EN) == "₹0"


def test_an_instant_is_shown_in_the_zone_of_its_stop():
    moment = datetime(2026, 2, 14, 18, 45, tzinfo=UTC)
    assert instant_text(moment, "Asia/Kolkata", EN).replace("\u202f", " ") == "Sun, 15 Feb, 2026, 12:15 am"
    assert instant_time_text(moment, "Europe/London", EN).replace("\u202f", " ") == "6:45 pm"
    assert instant_text(moment, "Asia/Kolkata", HI, year=False).startswith("रवि, 15 फ़र")


def test_a_calendar_date_is_never_shifted():
    for zone_of_machine in ("Pacific/Kiritimati", "Pacific/Niue"):
        assert date_text(date(2026, 2, 14), EN).startswith("Sat, 14 Feb"), zone_of_machine


def test_durations_and_days_between():
    assert duration_text(6 * 3600 + 30 * 60, EN) == "6 hrs 30 mins"
    assert duration_text(3600, EN) == "1 hr"
    assert duration_text(5, EN) == "1 min"
    start, end = datetime(2026, 2, 14, 17, tzinfo=UTC), datetime(2026, 2, 14, 19, tzinfo=UTC)
    assert days_later(start, end, "Asia/Kolkata") == 1
    assert days_later(start, end, "UTC") == 0


class PassengerSchema(StrictSchema):
    name = Text(required=True)
    age = Integer(minimum=0, maximum=120)


class HoldSchema(StrictSchema):
    day = LocalDate(required=True)
    seats = fields.List(fields.String(), required=True)
    passengers = fields.List(fields.Nested(PassengerSchema))
    price = Money()
    agreed = fields.Boolean(load_default=False)
    note = Text()


def test_a_form_is_read_by_the_schema_of_the_api():
    form = load_form(
        [
            ("day", "2026-02-14"),
            ("seats", "4A"),
            ("seats", "4B"),
            ("passengers.1.name", "Ravi"),
            ("passengers.0.name", "Asha"),
            ("passengers.0.age", " 31 "),
            ("price.amount", "45000"),
            ("price.currency", "INR"),
            ("agreed", "false"),
            ("agreed", "true"),
            ("note", ""),
            ("submit", "Hold"),
        ],
        HoldSchema(),
    )
    assert form.is_valid
    assert form.data == {
        "day": date(2026, 2, 14),
        "seats": ["4A", "4B"],
        "passengers": [{"name": "Asha", "age": 31}, {"name": "Ravi"}],
        "price": {"amount": 45000, "currency": "INR"},
        "agreed": True,
    }


def test_a_form_with_faults_keeps_what_was_typed():
    form = load_form(
        [("day", "tomorrow"), ("passengers.0.name", ""), ("passengers.0.age", "old")], HoldSchema()
    )
    assert not form.is_valid
    assert set(form.errors) == {"day", "seats", "passengers.0.name", "passengers.0.age"}
    assert form.value("day") == "tomorrow"
    assert form.value("note", "none yet") == "none yet"
    assert form.with_errors({"seats": ["Sold."]}).messages("seats") == ["Sold."]


@pytest.mark.parametrize(
    "pairs",
    [
        [("day.x", "1"), ("day", "2026-02-14"), ("seats.0", "1")],
        [("day", "2026-02-14"), ("day.x", "1"), ("seats", "a")],
        [("passengers", "x"), ("day", "2026-02-14"), ("seats", "a")],
        [("passengers.99999999.name", "x")],
        [("passengers.-1.name", "x"), ("a.b.c.d.e.f.g.h", "1"), (".", "1"), ("..", "2")],
        [("price", "5")],
        [("day", "a\0b")],
    ],
)
def test_names_that_make_no_sense_are_faults_and_not_errors(pairs: list[tuple[str, str]]):
    load_form(pairs, HoldSchema())


SHOWN = {"price": {"amount": 45000, "currency": "INR"}, "at": datetime(2026, 2, 14, tzinfo=UTC)}


@pytest.fixture
async def client(aiohttp_client, tmp_path: Path, texts: Path):
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "hello.html").write_text(
        '{% extends "layout.html" %}{% from "forms.html" import field, summary with context %}'
        "{% block title %}{{ _('Search') }}{% endblock %}"
        "{% block content %}<h1>{{ money(price) }} {{ when(at, 'Asia/Kolkata') }}</h1>"
        "{% if form %}{{ summary(form, 'Please correct') }}"
        "{{ field(form, 'note', 'Note', hint='Optional') }}{% endif %}{% endblock %}",
        encoding="utf-8",
    )
    app = web.Application(middlewares=[request_context, language_middleware, problem_middleware])
    setup_pages(app, templates, [texts])

    async def hello(request: web.Request) -> web.Response:
        return render(request, "hello.html", {**SHOWN, "form": None})

    async def post(request: web.Request) -> web.Response:
        form = await parse_form(request, HoldSchema())
        if form.is_valid:
            response = web.Response(status=303, headers={"Location": "/"})
            set_flash(response, "seats-held")
            return response
        return render(request, "hello.html", {**SHOWN, "form": form}, status=422)

    async def fail(request: web.Request) -> web.Response:
        raise {"404": NotFound("<script>100%"), "401": Unauthorized(), "403": Forbidden()}[
            request.match_info["is"]
        ]

    app.router.add_get("/", hello)
    app.router.add_post("/", post)
    app.router.add_get("/fail/{is}", fail)
    return await aiohttp_client(app)


async def test_a_page_is_in_the_readers_language(client):
    english = await (await client.get("/")).text()
    assert '<html lang="en" dir="ltr">' in english
    assert "₹450 Sat, 14 Feb, 2026" in english
    hindi = await (await client.get("/", headers={"Accept-Language": "hi"})).text()
    assert "<title>खोजें · Banyan</title>" in hindi


async def test_the_language_is_chosen_by_link_and_remembered(client):
    chosen = await client.get("/?lang=hi&q=a%26b")
    assert '<html lang="hi"' in await chosen.text()
    assert 'href="/?q=a%26b&amp;lang=en"' in await chosen.text()
    assert '<html lang="hi"' in await (await client.get("/", headers={"Accept-Language": "en"})).text()
    assert '<html lang="en"' in await (await client.get("/?lang=en")).text()
    assert "Set-Cookie" not in (await client.get("/?lang=xx")).headers


async def test_a_page_has_its_security_headers_and_no_inline_code(client):
    answer = await client.get("/")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script>|<style>|\son\w+=|style=", await answer.text())
    for link in re.findall(r'(?:src|href)="(/static[^"]+)"', await answer.text()):
        assert (await client.get(link)).status == 200, link


async def test_a_refused_form_is_shown_again_with_its_faults(client):
    answer = await client.post("/", data={"note": "n\0", "day": "x"})
    assert answer.status == 422
    answer = await client.post("/", data={"note": "x" * 300, "day": "x"})
    text = await answer.text()
    assert 'aria-invalid="true"' in text
    assert 'aria-describedby="note-hint note-error"' in text
    assert 'id="note-error"' in text
    assert f'value="{"x" * 300}"' in text


async def test_a_body_that_is_no_form_is_refused(client):
    assert (await client.post("/", json={})).status == 415


async def test_a_message_is_shown_once_after_a_redirect(client):
    await client.post("/", data={"day": "2026-02-14", "seats": "4A"}, allow_redirects=False)
    assert 'role="status">flash:seats-held' in await (await client.get("/")).text()
    assert 'role="status"' not in await (await client.get("/")).text()


async def test_nobody_puts_words_into_our_mouth_with_a_cookie(client):
    page = await client.get("/", headers={"Cookie": 'banyan_flash="Call 555 now"'})
    assert "Call" not in await page.text()


async def test_a_problem_is_a_page_with_its_text_escaped(client):
    answer = await client.get("/fail/404", headers={"Accept": "text/html", "X-Request-ID": "abc"})
    text = await answer.text()
    assert (answer.status, answer.content_type) == (404, "text/html")
    assert "&lt;script&gt;100%" in text
    assert "<code>abc</code>" in text
    hindi = await (
        await client.get("/fail/403", headers={"Accept": "text/html", "Accept-Language": "hi"})
    ).text()
    assert "आपको इसकी अनुमति नहीं है" in hindi


async def test_who_is_not_logged_in_is_sent_there_and_back(client):
    answer = await client.get("/fail/401?a=b", headers={"Accept": "text/html"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Ffail%2F401%3Fa%3Db")


async def test_an_unknown_address_is_a_page_too(client):
    answer = await client.get("/nowhere", headers={"Accept": "text/html"})
    assert (answer.status, answer.content_type) == (404, "text/html")


def test_there_are_two_languages():
    assert list(LOCALES) == ["en", "hi"]


NAMES = st.text("ab01.", max_size=12) | st.sampled_from(
    ["day", "seats", "passengers.0.name", "price", "price.amount"]
)


@given(st.lists(st.tuples(NAMES, st.text(max_size=5)), max_size=8))
def test_no_form_whatever_its_names_is_an_error(pairs: list[tuple[str, str]]):
    form = load_form(pairs, HoldSchema())
    assert form.is_valid == bool(form.data)
