"""The report for programs: what the page says, without samples, as plain JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from loadtests.report import rule

if TYPE_CHECKING:
    from loadtests.report.findings import Verdicts
    from loadtests.report.knees import Curve

FORMAT: Final = 1


def render(verdicts: Verdicts) -> str:
    return json.dumps(_plain(verdicts), indent=1, allow_nan=False) + "\n"


def _plain(verdicts: Verdicts) -> dict[str, Any]:
    result = verdicts.result
    sides = sorted({mix.side for mix in result.mix})
    return {
        "format": FORMAT,
        "at": result.at,
        "commit": result.commit,
        "machine": dict(result.machine),
        "settings": dict(result.settings),
        "rule": rule.TEXT,
        "is_complete": result.is_complete,
        "troubles": list(result.troubles),
        "failures": [asdict(each) for each in verdicts.failures],
        "lacks": list(verdicts.lacks),
        "goals": [asdict(each) for each in verdicts.goals],
        "counts": {"routes": verdicts.counts(), "mix": verdicts.counts(from_mix=True)},
        "routes": [asdict(each) for each in verdicts.routes],
        "mix": [asdict(each) for each in verdicts.mix],
        "journey": asdict(verdicts.journey) if verdicts.journey else None,
        "curves": [_curve(each) for each in verdicts.curves],
        "scatter_between_rounds": asdict(verdicts.scatter),
        "statements": {side: [asdict(each) for each in verdicts.statements(side)] for side in sides},
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "what": curve.what,
        "is_higher": curve.is_higher(),
        "ratio": asdict(curve.ratio) if curve.ratio else None,
        "answers_per_s_when_full": dict(curve.full or {}),
        "ratio_when_full": asdict(curve.full_ratio) if curve.full_ratio else None,
        "knees": {
            side: {
                number: {
                    "held_per_s": knee.held_per_s,
                    "achieved_per_s": knee.achieved_per_s,
                    "past_per_s": knee.past_per_s,
                    "was_generator_late": knee.was_late,
                }
                for number, knee in knees.items()
            }
            for side, knees in curve.knees.items()
        },
    }
