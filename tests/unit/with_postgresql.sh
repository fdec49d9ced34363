#!/bin/sh
# Runs a test with a PostgreSQL server of its own, in a folder of its own and on a UNIX socket:
# RATLS_TEST_POSTGRESQL is its address.
#
#   with_postgresql.sh PROGRAM [ARGUMENT...]
set -eu
programs=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)
if [ -z "$programs" ]; then
    echo "skipped: PostgreSQL's server is missing: sh scripts/install-packages.sh test brings it"
    exit 77
fi
programs=${programs%/initdb}
work=$(mktemp -d /tmp/ratls-psql.XXXXXX)
server=
clean_up() {
    if [ -n "$server" ]; then
        kill -QUIT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

as_owner=
if [ "$(id -u)" -eq 0 ]; then # PostgreSQL refuses to run as root
    as_owner='setpriv --reuid postgres --regid postgres --init-groups'
    chown postgres "$work"
fi
here=$PWD
cd / # which the owner may enter
# shellcheck disable=SC2086 # words
$as_owner "$programs/initdb" -D "$work/data" -U ratls --auth=trust --no-sync >"$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
# shellcheck disable=SC2086
$as_owner "$programs/postgres" -D "$work/data" -h '' -k "$work" -c fsync=off \
    -c max_connections=200 >"$work/log" 2>&1 &
server=$!
cd "$here"
tries=0
until "$programs/pg_isready" -q -h "$work"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$work/log"
        exit 1
    fi
    sleep 0.1
done
RATLS_TEST_POSTGRESQL="postgresql://ratls@/postgres?host=$work"
export RATLS_TEST_POSTGRESQL
"$@"
