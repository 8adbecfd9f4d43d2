"""What the sweeps are called: by these names they are woken."""

from __future__ import annotations

from typing import Final

EVENTS: Final = "work on payment events"
DELIVERY: Final = "deliver sandbox webhooks"
REFUNDS: Final = "refund what is due"
SENDING: Final = "send refunds"
ASKING: Final = "ask after payments"
CLOSING: Final = "close idle payments"
