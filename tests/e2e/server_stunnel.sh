#!/bin/sh
# An unmodified stunnel attests for a program that knows no TLS.
. "$(dirname "$0")/lib.sh"
need stunnel curl
prepare
backend=$(free_port)
use_example stunnel.conf
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
wait_until_listening backend "$backend"
start stunnel env OPENSSL_CONF="$work/server.cnf" stunnel "$work/stunnel.conf"
wait_until_listening stunnel "$port"

expect 0 "a client without ratls notices nothing" plain_get
expect 0 "curl accepts the server" get --user-agent before
has welcome

extend_pcr 7
expect 35 "curl refuses it after a PCR has changed" get --user-agent after
has pcr.value
has before "$work/requests"
lacks after "$work/requests"
