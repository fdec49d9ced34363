#!/bin/sh
# An unmodified nginx attests by openssl.cnf alone, with workers that have dropped their privileges.
. "$(dirname "$0")/lib.sh"
need nginx curl
prepare
use_example nginx.conf
# Only root can change the user, and only then does nginx look at the line.
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"

expect 0 "a client without ratls notices nothing" plain_get
has welcome
expect 0 "curl accepts the server" get --user-agent before
has welcome
expect 0 "and again, by another connection" get --user-agent before
expect 0 "the tool accepts the server" "$ratls" probe --policy "$work/policies" \
    --server-name "$name" --ca "$work/server.pem" "$address:$port"

extend_pcr 7
expect 35 "curl refuses it after a PCR has changed" get --user-agent after
has pcr.value
expect 1 "the tool refuses it" "$ratls" probe --policy "$work/policies" \
    --server-name "$name" --ca "$work/server.pem" "$address:$port"
has pcr.value
expect 0 "a client without ratls still notices nothing" plain_get
has before "$work/nginx-access.log"
lacks after "$work/nginx-access.log"
