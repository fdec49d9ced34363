#!/bin/sh
# The TPM goes away while the server runs: attested clients are refused within a bounded time, plain
# clients are served, and when the TPM is back all is well again.
. "$(dirname "$0")/lib.sh"
need curl nginx tpm2_shutdown
prepare
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
start_recorder

plain() {
    curl -sS --fail --max-time 3 --cacert "$work/server.pem" --resolve "$name:$port:$address" \
        "https://$name:$port/"
}
within() { # within SECONDS WHAT COMMAND...: refused, and not later
    limit=$1 what=$2
    shift 2
    begin=$(date +%s)
    expect failure "$what" "$@"
    took=$(($(date +%s) - begin))
    [ "$took" -le "$limit" ] || fail "$what: took $took s"
    ok "... within $limit s"
}

expect 0 "curl accepts the server" get

tpm_pid=
eval "tpm_pid=\$pid_of_tpm"
kill -STOP "$tpm_pid"
forget_records
get --output /dev/null 2>"$work/waiting.log" &
waiting=$!
# Then it blocks one of the two workers, and the other takes whoever comes next.
wait_for 10 grep -q '^22 ' "$work/records" || fail "the client that waits has not asked"
sleep 0.2
expect 0 "while the TPM hangs a plain client is served" plain
within 12 "a TPM that hangs: an attested client is refused" get
wait "$waiting" && fail "the client that waited was accepted"
expect 0 "a plain client is still served" plain
kill -CONT "$tpm_pid"
wait_for 20 get >"$work/back.log" 2>&1 || fail "not accepted after the TPM has come back"
ok "the TPM goes on: accepted again"

# Down in good order, so that its clock is safe when it comes back.
wait_for 10 tpm2_shutdown -T "$tcti" >"$work/shutdown.log" 2>&1 || fail "tpm2_shutdown"
stop tpm
within 12 "a TPM that is gone: an attested client is refused" get
expect 0 "a plain client is served" plain
start_tpm tpm
wait_for 20 get >"$work/back.log" 2>&1 || fail "not accepted after a restart"
ok "the TPM is back: accepted again"
extend_pcr 7
expect 35 "and refused when it proves another state" get
has pcr.value
