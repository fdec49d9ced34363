# Sourced, behind lib.sh, by the tests of PostgreSQL and psql.
# shellcheck shell=sh disable=SC2154
programs=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort | tail -n 1)
[ -n "$programs" ] || skip "PostgreSQL is missing"
programs=${programs%/initdb}
need psql

# PostgreSQL refuses to run as root.
owner=$(id -un)
[ "$(id -u)" -ne 0 ] || owner=postgres

as_owner() { # as_owner PROGRAM...: in a process of its own
    [ "$(id -u)" -ne 0 ] ||
        set -- setpriv --reuid "$owner" --regid "$owner" --init-groups "$@"
    exec "$@"
}

init_postgres() { # init_postgres OPTION...: of initdb
    mkdir "$work/data" "$work/run"
    chmod 600 "$work/server.key"
    chown -R "$owner" "$work/data" "$work/run" "$work/server.key" "$state"
    cd /
    (as_owner "$programs/initdb" -D "$work/data" -U customer --no-sync "$@") \
        >"$work/initdb.log" 2>&1 || fail "initdb"
}

start_postgres() { # start_postgres OPTION...: of postgres
    start postgres as_owner env OPENSSL_CONF="$work/server.cnf" "$programs/postgres" \
        -D "$work/data" -h "$address" -p "$port" -k "$work/run" -c ssl=on \
        -c "ssl_cert_file=$work/server.pem" -c "ssl_key_file=$work/server.key" -c fsync=off "$@"
    wait_until_listening postgres "$port"
}
