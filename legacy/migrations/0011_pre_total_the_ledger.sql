-- What each account was debited and credited, kept by the transaction that writes the entry. So that entries
-- of one account do not wait for each other, each leaves a note of its own; a sweep adds notes to the totals and
-- deletes them. Totals plus notes, read by one statement, are always the sum of the ledger.
CREATE TABLE ledger_totals (
    account  text NOT NULL,
    currency char(3) NOT NULL,
    debit    numeric NOT NULL,
    credit   numeric NOT NULL,
    PRIMARY KEY (account, currency)
);
CREATE TABLE ledger_notes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account  text NOT NULL,
    currency char(3) NOT NULL,
    debit    numeric NOT NULL,
    credit   numeric NOT NULL
);

CREATE FUNCTION ledger_is_noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_notes (account, currency, debit, credit)
    SELECT side.account, e.currency, sum(side.debit), sum(side.credit)
    FROM entries e
    CROSS JOIN LATERAL (VALUES (e.debit, e.amount, 0), (e.credit, 0, e.amount)) side (account, debit, credit)
    GROUP BY side.account, e.currency;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_is_noted AFTER INSERT ON ledger REFERENCING NEW TABLE AS entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_noted();

-- nothing is entered between the sums below and the trigger: CREATE TRIGGER holds off writers until the commit
INSERT INTO ledger_totals
SELECT side.account, e.currency, sum(side.debit), sum(side.credit)
FROM ledger e
CROSS JOIN LATERAL (VALUES (e.debit, e.amount, 0), (e.credit, 0, e.amount)) side (account, debit, credit)
GROUP BY side.account, e.currency;

-- these were for the sums alone; an account's entries have indexes of their own
DROP INDEX ledger_by_debit;
DROP INDEX ledger_by_credit;
