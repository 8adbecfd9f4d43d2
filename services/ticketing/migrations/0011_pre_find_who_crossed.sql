-- banyan: no-transaction
-- For the passenger list: few ever are.
CREATE INDEX CONCURRENTLY check_ins_crossed ON check_ins (ticket_id) WHERE crossed;
