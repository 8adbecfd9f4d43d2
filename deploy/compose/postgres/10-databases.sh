#!/bin/bash
# One database and one role for each deployable; a role can open its own database and no other. PostgreSQL's image
# runs it when the cluster is new; it may be run again, to add what is missing and to set changed passwords:
#   docker compose exec postgres /docker-entrypoint-initdb.d/10-databases.sh
set -euo pipefail

export PGPASSWORD=$POSTGRES_PASSWORD
run() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@" >/dev/null; }

# Passwords are read from the environment by psql itself: on a command line everybody could see them.
for owner in legacy auth user company ticketing qr payment strangler; do
  OWNER=$owner PASSWORD_OF=BANYAN_${owner^^}_DB_PASSWORD
  export OWNER PASSWORD="${!PASSWORD_OF:?}"
  run --dbname postgres <<'SQL'
\getenv owner OWNER
\getenv password PASSWORD
SELECT format('CREATE ROLE %I', 'banyan_' || :'owner')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'banyan_' || :'owner') \gexec
SELECT format(
  'ALTER ROLE %I LOGIN PASSWORD %L NOSUPERUSER NOCREATEDB NOCREATEROLE', 'banyan_' || :'owner', :'password'
) \gexec
SELECT format(
  $$CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'$$,
  'db_' || :'owner', 'banyan_' || :'owner'
)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'db_' || :'owner') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', 'db_' || :'owner') \gexec
SQL
  # By the superuser, so that no role has to be allowed it.
  run --dbname "db_$owner" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
SQL
done

run --dbname postgres <<'SQL'
SET client_min_messages = warning;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SQL
