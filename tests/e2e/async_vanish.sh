#!/bin/sh
# Clients of an unmodified HAProxy with ssl-mode-async that are gone while the handshake pauses: its
# memory stays what it was.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slow_lib.sh"
need haproxy curl
prepare_slow_haproxy 300
start_slow_haproxy ssl-mode-async
stop haproxy
# Who has not said all within 100 ms is dropped, in the handshake too.
sed -i 's/timeout client .*/timeout client 100ms/' "$work/haproxy.cfg"
start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"

rss_kib() {
    awk '/^VmRSS/ { print $2 }' "/proc/${pid_of_haproxy:?}/status"
}

vanish() { # vanish COUNT
    expect 0 "$1 clients are gone before their evidence comes" \
        "$python" "$support/vanish.py" ask "$address" "$port" "$work/hello" "$1" 100 0.2
}

server_port=$port
port=$(free_port)
start keep "$python" "$support/vanish.py" keep "$address" "$port" "$work/hello"
wait_until_listening keep "$port"
expect failure "a client says hello" get
port=$server_port

vanish 1000
before=$(rss_kib)
vanish 3000
after=$(rss_kib)
# A job that is lost costs 32 KiB, three thousand of them 94 MiB. How many pause at a time, and with
# it the memory that is kept for the next of them, is never quite the same.
[ $((after - before)) -lt 16384 ] || fail "HAProxy grew from $before to $after KiB"
ok "HAProxy has $after KiB, and had $before"
