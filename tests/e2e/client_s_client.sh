#!/bin/sh
# An unmodified `openssl s_client` verifies; -tlsextdebug shows the evidence.
. "$(dirname "$0")/lib.sh"
prepare
start_python_server attested
start_recorder

talk() { # talk OPTION...: sends a line with the secret
    printf 'GET /%s HTTP/1.1\r\n\r\n' "$secret" | OPENSSL_CONF=$work/client.cnf timeout 30 \
        openssl s_client -connect "$address:$port" -servername "$name" -CAfile "$work/server.pem" \
        "$@" >"$work/output.log" 2>&1
}

talk -quiet -no_ign_eof || fail "s_client did not accept the server"
wait_for 5 grep -q "$secret" "$work/received" || fail "what s_client sent did not arrive"
ok "s_client accepts the server and sends"
talk -tlsextdebug -verify_return_error || fail "s_client -tlsextdebug did not accept the server"
has "id=65300"
talk -verify_hostname "$name" -verify_return_error || fail "s_client did not accept"
ok "s_client -verify_hostname accepts"

all_arrived() {
    [ "$(grep -c "$secret" "$work/received")" -eq 3 ]
}
wait_for 5 all_arrived || fail "what three clients sent did not arrive"
extend_pcr 7
: >"$work/received"
for option in -quiet -verify_return_error -tls1_3; do
    forget_records
    if talk "$option"; then fail "s_client $option went on after a refusal"; fi
    ok "s_client $option refuses"
    has pcr.value
    only_an_alert_left
done
client_log_off
if talk -quiet; then fail "s_client went on after a refusal"; fi
ok "s_client by itself says why"
has "attestation refused: pcr.value"
has "pcrs.sha256[7]: expected 0000"
[ ! -s "$work/received" ] || fail "the server decrypted something of a refused client"
ok "the server decrypted nothing"
