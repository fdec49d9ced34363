#!/bin/sh
# A TPM that starts again is the same; one that was set back to an earlier state is refused, also by
# programs that begin later. A TPM that was cleared is let in again by whoever knows of it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"
need tpm2_shutdown
prepare
use_example nginx.conf
mkdir -m 700 "$work/verifier"
printf 'state = %s\n' "$work/verifier" >>"$work/client.cnf"
AK=$(sed -n 's/.*name: *"\{0,1\}\(000b[0-9a-f]*\).*/\1/p' "$work/policies/server.yaml")
[ -n "$AK" ] || fail "no Name in the policy"

serve() { # the server, beside a TPM that has started anew
    start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
    wait_until_listening nginx "$port"
}
down() { # in good order, so that its clock is safe when it comes back
    stop nginx
    wait_for 10 tpm2_shutdown -T "$tcti" >"$work/shutdown.log" 2>&1 || fail "tpm2_shutdown"
    stop tpm
}
reboot() {
    down
    start_tpm tpm
    serve
}

serve
expect 0 "curl accepts the server" get
[ -f "$work/verifier/verifier.sqlite" ] || fail "nothing was kept"

down
cp -R "$work/tpm" "$work/earlier"
start_tpm tpm
serve
expect 0 "after a boot" get
reboot
expect 0 "after another boot" get

down
rm -rf "$work/tpm"
cp -R "$work/earlier" "$work/tpm"
start_tpm tpm
serve
expect 35 "a TPM that was set back is refused by a new process" get
has quote.counters
expect 1 "and by the tool" "$ratls" probe "$address:$port" --server-name "$name" \
    --insecure-no-pki --policy "$work/policies" --state "$work/verifier"
has quote.counters
has "not before reset"

expect 1 "the counters of another key" "$ratls" policy forget-counters --state "$work/verifier" \
    000b1111111111111111111111111111111111111111111111111111111111111111
steps "A TPM that was set back"
expect 0 "and it is accepted again" get
reboot
expect 0 "and goes on from there" get
