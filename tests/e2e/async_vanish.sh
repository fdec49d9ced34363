#!/bin/sh
# Clients of an unmodified HAProxy with ssl-mode-async that are gone while the handshake pauses: its
# memory stays what it was.
. "$(dirname "$0")/lib.sh"
need haproxy curl
prepare
start_mux --delay-ms 300
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
backend=$(free_port)
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
wait_until_listening backend "$backend"
use_haproxy
# Who has not said all within 100 ms is dropped, in the handshake too.
sed -i -e 's/^global/global\n    nbthread 1\n    ssl-mode-async/' \
    -e 's/timeout client .*/timeout client 100ms/' "$work/haproxy.cfg"
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
# A job that is lost costs 40 KiB: three thousand of them 120 MB.
[ $((after - before)) -lt 2048 ] || fail "HAProxy grew from $before to $after KiB"
ok "HAProxy has $after KiB, and had $before"
