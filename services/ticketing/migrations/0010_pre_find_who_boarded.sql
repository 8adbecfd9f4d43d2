-- banyan: no-transaction
CREATE INDEX CONCURRENTLY check_ins_lately ON check_ins (heard_at, ticket_id);
