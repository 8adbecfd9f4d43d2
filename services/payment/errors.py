"""What can be refused about payments, by its name on the wire."""

from __future__ import annotations

from common.problems import Conflict


class NotPayable(Conflict):
    slug, title = "not-payable", "The booking takes no payment"


class NotConfirmable(Conflict):
    slug, title = "not-confirmable", "The payment cannot be confirmed"


class NotCancellable(Conflict):
    slug, title = "not-cancellable", "The payment cannot be cancelled any more"


class NotRefundable(Conflict):
    slug, title = "not-refundable", "The payment has no money to give back"


class RefundExceedsPayment(Conflict):
    slug, title = "refund-exceeds-payment", "More than what is left of the payment"
