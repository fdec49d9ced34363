#!/bin/sh
# An unmodified HAProxy attests for a program that knows no TLS.
. "$(dirname "$0")/lib.sh"
need haproxy curl
prepare
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
backend=$(free_port)
use_haproxy
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
wait_until_listening backend "$backend"
start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"

expect 0 "a client without ratls notices nothing" plain_get
expect 0 "curl accepts the server" get --user-agent before
has welcome
for i in 1 2 3 4 5 6 7 8; do
    get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
    eval "client_$i=$!"
done
for i in 1 2 3 4 5 6 7 8; do
    eval "wait \$client_$i" || fail "connection $i of eight at once was refused"
done
ok "eight connections at once are all accepted"

extend_pcr 7
expect 35 "curl refuses it after a PCR has changed" get --user-agent after
has pcr.value
has before "$work/requests"
lacks after "$work/requests"
