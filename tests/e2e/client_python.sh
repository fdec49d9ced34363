#!/bin/sh
# An unmodified Python verifies with its ssl module, also where it asks for no PKI. It prints no
# error stack, only the result of the verification: the reason comes from `log = stderr`.
. "$(dirname "$0")/lib.sh"
prepare
start_python_server attested
start_recorder

client() {
    verifying "$python" "$support/client.py" "$@" "$address" "$port" "$name" "$work/server.pem" \
        "$secret"
}

expect 0 "Python accepts the server" client
has "200 welcome"
has "X-Secret: $secret" "$work/received"
expect 0 "Python accepts it without PKI" client --no-pki
expect 0 "twelve connections at once, by threads of one context, are accepted" client --at-once 12
[ "$(grep -c "200 welcome" "$work/output.log")" -eq 12 ] || fail "not twelve answers"

extend_pcr 7
: >"$work/received"
for option in '' --no-pki '--at-once=6'; do
    forget_records
    # shellcheck disable=SC2086 # an option or none
    expect 1 "Python $option refuses it after a PCR has changed" client $option
    has SSLCertVerificationError
    has pcr.value
    only_an_alert_left
done
client_log_off
expect 1 "Python by itself says that something beyond the PKI refused" client
has "application verification failure"
[ ! -s "$work/received" ] || fail "the server decrypted something of a refused client"
ok "the server decrypted nothing"
