#!/bin/sh
# An unmodified PostgreSQL demands evidence of an unmodified psql, which has some, by openssl.cnf
# alone: nothing of the database is reached by a machine that nobody knows.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/mutual_lib.sh"
. "$(dirname "$0")/psql_lib.sh"
prepare
prepare_client app.test
demand_clients
chmod 600 "$work/app.key"

init_postgres --auth=trust
printf 'hostssl all all 127.0.0.0/8 trust clientcert=verify-ca\n' >"$work/data/pg_hba.conf"
start_postgres -c "ssl_ca_file=$work/app.pem"

query() { # query COMMAND...: which runs psql with a configuration
    "$@" env PGSSLROOTCERT="$work/server.pem" PGSSLMODE=verify-full PGSSLCERT="$work/app.pem" \
        PGSSLKEY="$work/app.key" psql -At -c "select 6*7" \
        "host=$name hostaddr=$address port=$port user=customer dbname=postgres"
}

is_ready() {
    query attesting >"$work/ready.log" 2>&1
}
wait_for 20 is_ready || { cat "$work/ready.log"; fail "psql cannot connect"; }
expect 0 "PostgreSQL accepts psql, which accepts PostgreSQL" query attesting
has 42
expect 2 "psql without ratls is refused" query env
has "handshake failure"
has "client REFUSED  app.test: evidence.present" "$work/postgres.log"
expect 2 "so is one that verifies and does not attest" query verifying

extend_client 7
expect 2 "psql is refused after a PCR of its machine has changed" query attesting
has "handshake failure"
has "client REFUSED  app.test: pcr.value" "$work/postgres.log"
use_other_client
expect 2 "a machine whose key is not enrolled is refused" query attesting
has "client REFUSED  app.test: ak.trust" "$work/postgres.log"
