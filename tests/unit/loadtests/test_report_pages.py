"""The report as people and programs get it: well-formed, complete, self-contained, and honest about gaps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from loadtests.report import findings, page, result, terminal, write_report
from loadtests.report.axes import linear, logarithmic
from tests.unit.loadtests import synthetic

HOSTILE = """</script><script>alert("x")</script>&amp;'|`"""


def html_of(measured) -> str:
    return page.render(findings.of(result.read(measured)))


def parsed(html: str) -> ET.Element:
    """As XML, which forgives nothing: an unclosed tag or a bare & is an error."""
    return ET.fromstring(html.replace("<!DOCTYPE html>", "").strip())


def section(html: str, name: str) -> str:
    found = parsed(html).find(f".//section[@id='{name}']")
    assert found is not None
    return " ".join("".join(found.itertext()).split())


@pytest.fixture(scope="module")
def measured():
    return synthetic.result()


@pytest.fixture(scope="module")
def html(measured):
    return html_of(measured)


@pytest.fixture(scope="module")
def written(measured, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_report(measured, folder)
    return folder


class TestPage:
    def test_is_well_formed_and_every_link_leads_somewhere_in_it(self, html):
        root = parsed(html)
        ids = [each.get("id") for each in root.iter() if each.get("id")]
        assert len(ids) == len(set(ids))
        links = [each.get("href", "") for each in root.iter("a")]
        assert len(links) > 20
        assert [link for link in links if link[0] != "#" or link[1:] not in ids] == []

    def test_refers_to_nothing_outside(self, html):
        assert "://" not in html
        assert re.findall(r"""(?:src|href)=["'](?!#|data:,)""", html) == []
        assert re.findall(r"url\(|@import", html) == []
        assert "default-src 'none'" in html

    def test_goals_come_before_all_else_but_failures(self, measured, html):
        def sections(text: str) -> list[str | None]:
            return [each.get("id") for each in parsed(text).iter("section")]

        assert sections(html)[0] == "goals"
        failing = measured | {"journey": [each | {"failed": 1} for each in measured["journey"]]}
        assert sections(html_of(failing))[:2] == ["failures", "goals"]

    def test_a_run_that_was_cut_off_says_so_first(self, measured):
        found = html_of(measured | {"is_complete": False, "troubles": ["the journey did not end in time"]})
        assert "The run is not complete." in section(found, "failures")
        assert "the journey did not end in time" in section(found, "failures")

    def test_names_machine_date_commit_settings_and_load(self, html):
        run = parsed(html).find(".//section[@id='run']")
        assert run is not None
        facts = {each.findtext("dt"): each.findtext("dd") for each in run.iter("div")}
        assert facts["cores"] == "2"
        assert facts["load before"] == "0.3"
        assert facts["size"] == "full"
        assert facts["mix"] == "rounds 3; users 120; seconds 45"
        assert "2025-06-01T12:00:00Z" in html
        assert "abc1234" in html

    def test_every_route_has_its_pictures_and_figures_under_a_summary(self, html):
        details = [each for each in parsed(html).iter("details") if each.get("class") == "route"]
        assert len(details) == len(synthetic.ROUTES)
        for each in details:
            assert each.find("summary") is not None
            assert len(list(each.iter("polyline"))) == 5  # two sides at equal load, three in the mix
            assert "CPU, gross" in "".join(each.itertext())

    def test_every_picture_has_a_name_units_and_a_legend_before_it(self, html):
        for figure in parsed(html).iter("figure"):
            picture = figure.find("svg")
            assert picture is not None
            assert picture.get("role") == "img"
            assert picture.get("aria-label")
            assert len([each for each in picture.iter("text") if each.get("class") == "axis"]) == 2
        for name in ("each-route", "throughput", "journey", "curves"):
            assert 'class="legend"' in html[html.index(f'id="{name}"') :].split("<figure")[0]

    def test_the_knee_is_marked_for_both_sides(self, html):
        said = section(html, "curves")
        assert "legacy: knee" in said
        assert "service: knee" in said

    def test_what_is_answered_when_full_is_told_beside_the_knees(self, html):
        said = section(html, "curves")
        assert said.count("Answers a second when full: legacy") == len(synthetic.CURVES)
        assert said.count("Knees, service ÷ legacy:") == len(synthetic.CURVES)

    def test_a_verdict_is_told_by_a_word_and_a_sign(self, html):
        tags = [each for each in parsed(html).iter("span") if (each.get("class") or "").startswith("tag ")]
        assert len(tags) > 20
        for tag in tags:
            assert (tag.get("class") or "").removeprefix("tag ") in "".join(tag.itertext())
            assert tag.find("span") is not None

    def test_texts_are_escaped_wherever_they_come_from(self, measured):
        window = measured["routes"][0] | {"route": HOSTILE, "failed": 1}
        window |= {"failures": [{"route": HOSTILE, "what": HOSTILE, "count": 1}]}
        mix = measured["mix"][0] | {"statements": [{"database": HOSTILE, "query": HOSTILE * 5, "calls": 1}]}
        hostile = measured | {
            "routes": [window],
            "mix": [mix],
            "commit": HOSTILE,
            "settings": {HOSTILE: HOSTILE},
            "machine": {HOSTILE: HOSTILE},
            "curves": [measured["curves"][0] | {"what": HOSTILE}],
        }
        found = html_of(hostile)
        assert "alert(" in found
        assert "<script>alert" not in found
        assert len(list(parsed(found).iter("script"))) == 1

    def test_an_empty_run_says_of_every_part_that_it_was_not_measured(self):
        empty = html_of({"format": 1})
        for name in ("routes", "mix", "throughput", "journey", "curves", "memory", "statements"):
            assert "Not measured in this run." in section(empty, name)
        assert "No route was measured." in section(empty, "each-route")
        assert "CPU was not measured" in section(empty, "cpu")
        assert "What this run lacks" in empty
        assert "date unknown" in empty

    @pytest.mark.parametrize("part", ["mix", "routes", "journey", "curves"])
    def test_each_part_may_be_missing(self, measured, part):
        found = html_of(measured | {part: []})
        parsed(found)
        assert "Not measured in this run." in section(found, part)

    @pytest.mark.parametrize("side", ["legacy", "service"])
    def test_either_side_may_be_missing(self, measured, side):
        parts = {
            part: [each for each in measured[part] if each["side"] != side]
            for part in ("mix", "routes", "journey", "curves")
        }
        parsed(html_of(measured | parts))

    def test_a_run_without_clocks_and_answers_is_a_page_too(self, measured):
        bare = {"cpu_s": {}, "ms": [], "statements": [], "rss_mib": {}, "per_second": []}
        parts = {part: [each | bare for each in measured[part]] for part in ("mix", "routes", "journey")}
        never = [each | {"is_past_knee": True, "p50_ms": 0, "p99_ms": 0} for each in measured["curves"]]
        found = html_of(measured | parts | {"curves": never, "idle": {}})
        parsed(found)
        assert "not even the first" in section(found, "curves")


class TestFolder:
    def test_three_files_are_written_and_the_same_run_makes_the_same_report(
        self, measured, written, tmp_path
    ):
        write_report(json.loads(json.dumps(measured)), tmp_path)
        names = sorted(path.name for path in written.iterdir())
        assert names == ["report.html", "report.json", "report.md"]
        for name in names:
            assert (written / name).read_bytes() == (tmp_path / name).read_bytes()

    def test_json_holds_goals_verdicts_and_intervals(self, written):
        found = json.loads((written / "report.json").read_text(encoding="utf-8"))
        assert {goal["status"] for goal in found["goals"]} == {"met", "missed", "cannot be told"}
        search = next(each for each in found["routes"] if each["name"] == "GET /api/search")
        assert search["figures"]["p50"]["verdict"] == "better"
        assert search["figures"]["p50"]["ratio"]["low"] < search["figures"]["p50"]["ratio"]["value"]
        assert found["curves"][0]["knees"]["legacy"]["1"]["held_per_s"] == 200

    def test_markdown_has_a_row_for_each_goal_route_journey_and_knee(self, written):
        text = (written / "report.md").read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        tables = 5
        knees = len(synthetic.CURVES) * 2 * 2 + len(synthetic.CURVES)
        assert len(rows) == tables + 5 + len(synthetic.ROUTES) + 1 + knees
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({line.count("|") for line in table.splitlines()}) == 1
        prose = [line for line in text.splitlines() if not line.startswith(("|", "-"))]
        assert max(len(line) for line in prose) <= 120

    def test_a_full_run_is_reported_within_a_minute(self, tmp_path, monkeypatch):
        monkeypatch.setattr(
            synthetic, "ROUTES", {f"GET /api/route/{number}": (5.0, 0.9, 1.0) for number in range(40)}
        )
        began = time.process_time()
        write_report(synthetic.result(per_window=400), tmp_path)
        assert time.process_time() - began < 60
        assert (tmp_path / "report.html").stat().st_size < 4_000_000


class TestCommand:
    def test_makes_the_report_again_beside_the_result(self, measured, tmp_path):
        (tmp_path / "result.json").write_text(json.dumps(measured), encoding="utf-8")
        done = self._run(str(tmp_path / "result.json"))
        assert done.returncode == 0
        assert "CPU of a booking journey" in done.stdout
        assert (tmp_path / "report.html").exists()

    def test_refuses_what_is_no_result_in_one_line(self, tmp_path):
        (tmp_path / "result.json").write_text('{"format": 9}', encoding="utf-8")
        done = self._run(str(tmp_path / "result.json"), "--out", str(tmp_path / "out"))
        assert done.returncode == 1
        assert done.stderr == "result.json has format 9; this report reads 1\n"
        assert not (tmp_path / "out").exists()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "loadtests.report", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)


class TestTerminal:
    def test_has_a_row_for_each_route_and_a_line_for_each_goal(self, measured):
        console = Console(width=200, record=True, file=None, quiet=False, force_terminal=False)
        with console.capture() as captured:
            console.print(terminal.view(findings.of(result.read(measured))))
        said = captured.get()
        for route in (*synthetic.ROUTES, "booking journey"):
            assert f" {route} " in said
        assert said.count("cannot be told  ") + said.count("met  ") + said.count("missed  ") == 5


class TestAxes:
    @given(st.floats(0.001, 1e6))
    @settings(deadline=None)
    def test_a_linear_axis_begins_at_zero_and_holds_its_amount(self, high):
        scale = linear(high, 0, 100)
        ticks = scale.ticks()
        assert scale.low == 0
        assert scale.high >= high * (1 - 1e-9)
        assert 2 <= len(ticks) <= 7
        assert (ticks[0].place, ticks[-1].place) == (0, 100)

    @given(st.floats(0.001, 1e5), st.floats(1, 1e4))
    @settings(deadline=None)
    def test_a_logarithmic_axis_holds_both_ends_on_round_amounts(self, low, factor):
        scale = logarithmic(low, low * factor, 0, 100)
        assert scale.low <= low * (1 + 1e-9)
        assert scale.high >= low * factor * (1 - 1e-9)
        assert 1 <= len(scale.ticks()) <= 9
        assert scale.at(scale.low) == 0
        assert scale.at(scale.high) == 100
