"""`locust -f loadtests/locustfile.py --host http://localhost:8080`: with a web UI, headless, or distributed.

See `loadtests/README.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # Locust looks beside this file, and for no package

from locust import events

from loadtests.people import staging
from loadtests.people.inspector import Inspector
from loadtests.people.operator import Operator
from loadtests.people.passenger import Passenger

__all__ = ("Inspector", "Operator", "Passenger")

staging.take_part(events)
