from __future__ import annotations

import asyncio

import asyncpg
import pytest


@pytest.fixture
def admin(till):
    return till.world.user("admin")


async def show(till, admin, query=""):
    status, ledger = await till.call("GET", f"/api/ledger{query}", by=admin)
    assert status == 200, ledger
    return ledger


async def test_an_empty_ledger_balances(till, admin):
    assert await show(till, admin) == {
        "trial_balance": [],
        "accounts": [],
        "items": [],
        "next_cursor": None,
    }


async def test_after_a_full_refund_both_balances_are_zero(till, admin):
    payment_id = await till.paid()
    company = f"company:{till.booking.company.id}"
    ledger = await show(till, admin)
    assert ledger["trial_balance"] == [{"amount": 0, "currency": "INR"}]
    assert {account["account"]: account["balance"] for account in ledger["accounts"]} == {
        "provider:sandbox": 60_000,
        company: -60_000,
    }
    _, refund = await till.refund(payment_id)
    await till.settle_refunds()
    ledger = await show(till, admin)
    assert ledger["trial_balance"] == [{"amount": 0, "currency": "INR"}]
    for account in ledger["accounts"]:
        assert (account["debit"], account["credit"], account["balance"]) == (60_000, 60_000, 0)
    newest, oldest = ledger["items"]
    assert (newest["debit"], newest["credit"], newest["refund_id"]) == (
        company,
        "provider:sandbox",
        refund["id"],
    )
    assert oldest == {
        "id": oldest["id"],
        "at": oldest["at"],
        "debit": "provider:sandbox",
        "credit": company,
        "amount": {"amount": 60_000, "currency": "INR"},
        "payment_id": payment_id,
        "refund_id": None,
        "reverses": None,
        "memo": "capture",
    }


async def test_currencies_balance_each_for_itself(till, admin):
    await till.paid()
    till.booking = await till.world.booking(total_minor=1200, currency="JPY")
    payment_id = await till.new_payment()
    assert (await till.show(payment_id))["amount"] == {"amount": 1200, "currency": "JPY"}
    await till.confirm(payment_id)
    await till.settle()
    ledger = await show(till, admin)
    assert ledger["trial_balance"] == [
        {"amount": 0, "currency": "INR"},
        {"amount": 0, "currency": "JPY"},
    ]


async def test_sums_are_those_of_the_entries_whatever_has_been_added_up(till, admin):
    payment_id = await till.paid()
    before = await show(till, admin)
    assert await till.sweep("add up the ledger") > 0
    assert await show(till, admin) == before
    await till.refund(payment_id, 100)
    await till.settle_refunds()
    noted = await show(till, admin)
    await asyncio.gather(*(till.sweep("add up the ledger") for _ in range(4)))
    assert await show(till, admin) == noted
    assert await till.pool.fetchval("SELECT count(*) FROM ledger_notes") == 0
    company = f"company:{till.booking.company.id}"
    assert {account["account"]: (account["debit"], account["credit"]) for account in noted["accounts"]} == {
        "provider:sandbox": (60_000, 100),
        company: (100, 60_000),
    }


async def test_an_entry_that_is_rolled_back_leaves_no_trace_in_the_sums(till, admin):
    await till.paid()
    before = await show(till, admin)
    async with till.pool.acquire() as conn:
        undone = conn.transaction()
        await undone.start()
        await conn.execute(
            """INSERT INTO ledger (id, debit, credit, amount_minor, currency, payment_id, reverses, memo)
               SELECT gen_random_uuid(), credit, debit, amount_minor, currency, payment_id, id, 'correction'
               FROM ledger"""
        )
        assert await show(till, admin) == before
        await undone.rollback()
    assert await show(till, admin) == before


async def test_entries_are_found_by_account_and_payment_in_pages(till, admin):
    payment_id = await till.paid()
    for amount in (100, 200, 300):
        await till.refund(payment_id, amount)
    await till.settle_refunds()
    for query in (
        "",
        "account=provider:sandbox",
        f"payment_id={payment_id}",
        f"payment_id={payment_id}&account=provider:sandbox",
    ):
        amounts, cursor = [], ""
        for _ in range(4):
            ledger = await show(till, admin, f"?{query}&limit=1{cursor}".replace("?&", "?"))
            amounts += [item["amount"]["amount"] for item in ledger["items"]]
            cursor = f"&cursor={ledger['next_cursor']}"
        assert sorted(amounts) == [100, 200, 300, 60_000]
        assert ledger["next_cursor"] is None
    assert (await show(till, admin, "?account=company:none"))["items"] == []


async def test_the_ledger_is_for_admins(till):
    for by in (till.passenger, till.operator()):
        assert (await till.call("GET", "/api/ledger", by=by))[0] == 403


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET amount_minor = 1", "DELETE FROM ledger", "TRUNCATE ledger"]
)
async def test_what_is_in_the_ledger_stays(till, statement):
    await till.paid()
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await till.pool.execute(statement)
