#!/bin/sh
# An unmodified `openssl s_server` attests, and prints what it decrypts: nothing after a refusal.
. "$(dirname "$0")/lib.sh"
need curl
prepare
# In asynchronous jobs: the handshake pauses while its evidence is made.
start s_server env OPENSSL_CONF="$work/server.cnf" openssl s_server -accept "$address:$port" \
    -cert "$work/server.pem" -key "$work/server.key" -www -async
wait_until_listening s_server "$port"
expect 0 "curl accepts the server that works asynchronously" get
has "s_server"
stop s_server

start s_server env OPENSSL_CONF="$work/server.cnf" openssl s_server -accept "$address:$port" \
    -cert "$work/server.pem" -key "$work/server.key" -www -msg
wait_until_listening s_server "$port"

expect 0 "curl accepts the server" get
has "s_server"
extend_pcr 7
expect 35 "curl refuses it after a PCR has changed" get
has pcr.value
stop s_server

# The same without -www, so that it prints the application data that it receives.
start s_server env OPENSSL_CONF="$work/server.cnf" openssl s_server -accept "$address:$port" \
    -cert "$work/server.pem" -key "$work/server.key"
wait_until_listening s_server "$port"
send() { # send TEXT: by a client whose policy allows the changed machine, or not
    printf '%s\n' "$1" | timeout 20 env OPENSSL_CONF="$work/client.cnf" openssl s_client \
        -connect "$address:$port" -servername "$name" -CAfile "$work/server.pem" -quiet -no_ign_eof
}
if send refused-text >"$work/send.log" 2>&1; then fail "s_client went on after a refusal"; fi
lacks refused-text "$work/s_server.log"
learn_policy
send accepted-text >"$work/send.log" 2>&1 || true
wait_for 5 grep -q accepted-text "$work/s_server.log" || fail "what was sent is missing"
ok "s_server received what the accepted client sent, and nothing of the one that refused"
