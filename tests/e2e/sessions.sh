#!/bin/sh
# Session tickets stay on, but no session is resumed without evidence: the second connection of a
# client that kept its session is a full handshake. Connections at once share the one TPM.
. "$(dirname "$0")/lib.sh"
need curl nginx
prepare
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
start_recorder

connect() { # connect OPTION...
    printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "$name" | timeout 30 openssl s_client \
        -connect "$address:$port" -servername "$name" -CAfile "$work/server.pem" -ign_eof "$@"
}

expect 0 "a plain client gets a session ticket" connect -sess_out "$work/plain.session"
expect 0 "a plain client resumes its session" connect -sess_in "$work/plain.session"
has "Reused, TLSv1.3"

OPENSSL_CONF=$work/client.cnf
export OPENSSL_CONF
expect 0 "a verifying client gets a session ticket" connect -sess_out "$work/session" -tlsextdebug
has "id=65300"
[ -s "$work/session" ] || fail "there is no session"
expect 0 "its next connection is a full handshake, with evidence" connect -sess_in "$work/session" \
    -tlsextdebug
has "New, TLSv1.3"
has "id=65300"
expect 0 "so is one with a session that was not attested at all" \
    connect -sess_in "$work/plain.session" -tlsextdebug
has "New, TLSv1.3"
has "id=65300"
unset OPENSSL_CONF

expect 0 "curl sends two requests on one connection, attested once" \
    get --verbose "https://$name:$port/second"
# Newer ones say "Re-using existing https: connection".
has "Re-using existing"

i=0
while [ "$i" -lt 16 ]; do
    i=$((i + 1))
    get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
    eval "client_$i=$!"
done
i=0
while [ "$i" -lt 16 ]; do
    i=$((i + 1))
    eval "wait \$client_$i" || fail "connection $i of sixteen at once was refused"
done
ok "sixteen connections at once are all accepted"

extend_pcr 7
: >"$work/nginx-access.log"
OPENSSL_CONF=$work/client.cnf
export OPENSSL_CONF
for session in session plain.session; do
    forget_records
    expect failure "with a session of before, a changed server is refused" \
        connect -sess_in "$work/$session"
    has pcr.value
    lacks welcome
    only_an_alert_left
done
unset OPENSSL_CONF
i=0
while [ "$i" -lt 8 ]; do
    i=$((i + 1))
    get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
    eval "client_$i=$!"
done
i=0
while [ "$i" -lt 8 ]; do
    i=$((i + 1))
    if eval "wait \$client_$i"; then fail "connection $i of eight at once was accepted"; fi
done
ok "eight connections at once are all refused"
[ ! -s "$work/nginx-access.log" ] || fail "nginx saw a request of a refused client"
