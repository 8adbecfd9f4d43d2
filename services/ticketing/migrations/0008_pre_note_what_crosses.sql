-- What others did while a sale was on its way: found a moment after by what is noted here (docs/sweeps.md).

-- When a departure's seats last became others here: another bus came. Few ever have one.
ALTER TABLE trips ADD COLUMN reseated_at timestamptz;

-- Who boarded with a ticket that was given back in that very moment. Those that are here have been looked at.
ALTER TABLE check_ins ADD COLUMN heard_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE check_ins ALTER COLUMN heard_at SET DEFAULT now();
ALTER TABLE check_ins ADD COLUMN crossed boolean NOT NULL DEFAULT false;   -- with the ticket's cancellation
