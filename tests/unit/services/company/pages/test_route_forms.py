"""The form of a route: lines of text become the wire's stops, and faults lead back to their line."""

import pytest

from common.ids import uuid7
from services.company.pages.route_forms import minor_units, route_form, seconds_after

STOPS = {"Majestic, Bengaluru": uuid7(), "Bus Stand, Mysuru [M1]": uuid7()}
GOOD = {
    "name": "Royal",
    "code": "",
    "distance_km": "145",
    "stops.0.stop": "Majestic, Bengaluru",
    "stops.3.stop": "Bus Stand, Mysuru [M1]",
    "stops.3.arrives": "3:15",
    "stops.3.fare": "349.50",
}


def test_lines_left_empty_are_passed_over():
    form = route_form(GOOD, STOPS, "INR")
    assert form.is_valid, form.errors
    assert [str(stop["stop_id"]) for stop in form.data["stops"]] == [str(each) for each in STOPS.values()]
    assert [stop["arrive_s"] for stop in form.data["stops"]] == [0, 11_700]
    assert form.data["stops"][1]["leg_fare"] == {"amount": 34_950, "currency": "INR"}
    assert form.data["distance_km"] == 145
    assert "code" not in form.data


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"stops.3.stop": "Atlantis"}, "stops.3.stop"),
        ({"stops.3.arrives": "soon"}, "stops.3.arrives"),
        ({"stops.3.fare": "a lot"}, "stops.3.fare"),
        ({"stops.0.arrives": "0:10"}, "stops.0.leaves"),
        ({"stops.0.fare": "5"}, "stops.0.fare"),
        ({"stops.3.leaves": "3:00"}, "stops.3.leaves"),
        ({"stops.3.stop": "", "stops.3.arrives": "", "stops.3.fare": ""}, "stops.0.stop"),
        ({"distance_km": "far"}, "distance_km"),
        ({"name": ""}, "name"),
    ],
)
def test_a_fault_is_said_at_its_input(changes, where):
    form = route_form({**GOOD, **changes}, STOPS, "INR")
    assert where in form.errors, form.errors


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("450", "INR", 45_000), ("1,450.5", "INR", 145_050), ("7", "JPY", 7)]
)
def test_amounts_are_read_in_the_currency(text, currency, minor):
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize("text", ["", "-1", "0.001", "NaN", "Infinity", "1e300", "₹5"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="An amount is expected"):
        minor_units(text, "INR")


@pytest.mark.parametrize("text", ["", "90", "1:60", "-1:00", "1:5"])
def test_what_is_no_time_after_departure_is_refused(text):
    with pytest.raises(ValueError, match="Hours and minutes"):
        seconds_after(text)
