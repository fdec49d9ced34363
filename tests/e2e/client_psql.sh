#!/bin/sh
# An unmodified PostgreSQL attests and an unmodified psql verifies: the password stays at home.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/psql_lib.sh"
prepare

printf '%s\n' "$secret" >"$work/password"
chmod 644 "$work/password"
init_postgres --auth=scram-sha-256 --pwfile="$work/password"
# "password" makes psql send the password itself: the worst case for a refusal that comes too late.
printf 'hostssl all all 127.0.0.0/8 password\n' >"$work/data/pg_hba.conf"
start_postgres -c log_statement=none
start_recorder

query() { # query SSLMODE
    verifying env PGPASSWORD="$secret" PGSSLROOTCERT="$work/server.pem" PGSSLMODE="$1" \
        psql -At -c "select 6*7" \
        "host=$name hostaddr=$address port=$port user=customer dbname=postgres"
}

is_ready() {
    query require >"$work/ready.log" 2>&1
}
wait_for 20 is_ready || { cat "$work/ready.log"; fail "psql cannot connect"; }
expect 0 "psql accepts the server" query require
has 42
expect 0 "psql accepts it with full PKI verification" query verify-full
has 42

# It speaks before TLS: nobody beside it could ask that server again.
watched() {
    env PGPASSWORD="$secret" PGSSLROOTCERT="$work/server.pem" PGSSLMODE=require "$ratls" exec \
        --policy "$work/policies" --module "$module" --watch -- psql -At -c "select 6*7" \
        "host=$name hostaddr=$address port=$port user=customer dbname=postgres"
}
forget_records
expect 2 "psql cannot be watched" watched
has "cannot be watched: the connection did not begin with TLS"
only_an_alert_left

extend_pcr 7
for mode in require verify-full; do
    forget_records
    expect 2 "psql refuses it after a PCR has changed, sslmode=$mode" query "$mode"
    has pcr.value
    only_an_alert_left
done
client_log_off
expect 2 "psql by itself says why" query require
has "attestation refused: pcr.value"
