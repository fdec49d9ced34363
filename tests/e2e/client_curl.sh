#!/bin/sh
# An unmodified curl verifies, with and without -k; after a refusal nothing of its request has left.
. "$(dirname "$0")/lib.sh"
need curl
prepare
start_python_server attested
start_recorder

expect 0 "curl accepts the server" get
has welcome
has "Authorization: Basic" "$work/received"
expect 0 "curl -k accepts it" get --insecure
expect 0 "two requests on one connection" get "https://$name:$port/second"
has "GET /second" "$work/received"
grep -qE '^23 ([2-9][0-9]|[0-9]{3,})$' "$work/records" || fail "the recorder sees no request"

make_certificate other
expect 60 "curl refuses good evidence with another CA's certificate" get --cacert "$work/other.pem"

: >"$work/received"
extend_pcr 7
for option in --fail --insecure --http1.0; do
    forget_records
    expect 35 "curl $option refuses it after a PCR has changed" get "$option"
    has pcr.value
    only_an_alert_left
done
client_log_off
expect 35 "curl by itself says why" get
has "attestation refused: pcr.value"
[ ! -s "$work/received" ] || fail "the server decrypted something of a refused client"
ok "the server decrypted nothing"
