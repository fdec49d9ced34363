#!/bin/sh
# A sealed attestation key is enrolled as any other, in a state that was signed; it keeps its
# certificate over an update, and has a key for TLS certified.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need swtpm_setup swtpm tpm2_pcrextend
sealed=sha256:4,7
manufacture machine
make_ca </dev/null # whose root is that of the maker
state=$work/machine.state
expect 0 "an authority" "$ratls" seal key -o "$work/authority.key"
expect 0 "a sealed key" "$ratls" init --state "$state" --tcti "$tcti" --seal-to-pcrs "$sealed" \
    --seal-authority "$work/authority.key.pub"

authorize() { # authorize NAME: the state that it is in
    quietly on machine "seal authorize" --now --key "$work/authority.key" -o "$work/$1.seal"
    quietly on machine "seal install" "$work/$1.seal"
}

# Before a state was signed: the challenge is opened, and the quote of the answer is not made.
make_token --names www.test
quietly on machine "ca request" -o "$work/early.req" --token-file "$token_file" www.test
quietly at_ca challenge -o "$work/early.chal" "$work/early.req"
expect 3 "in no authorised state there is no answer for a CA" on machine "ca answer" \
    --request "$work/early.req" -o "$work/early.ans" "$work/early.chal"
has "no state of this machine was authorised"

authorize first
expect 0 "in an authorised one there is" on machine "ca answer" \
    --request "$work/early.req" -o "$work/early.ans" "$work/early.chal"
expect 0 "and the CA certifies the key" at_ca issue -o "$work/www.crt" "$work/early.ans"
expect 0 "for the machine" on machine "ca install" --ca "$ca/ca.crt" "$work/www.crt"
cp "$state/ak.crt" "$work/before.crt"

extend_pcr 7
expect 3 "after an update that nobody signed no key is certified" "$ratls" init --state "$state" \
    --tls-key tpm --tls-key-out "$work/tls.key"
has "in no authorised state: sha256:7 is "
authorize second
expect 0 "after one that was signed it is" "$ratls" init --state "$state" --tls-key tpm \
    --tls-key-out "$work/tls.key"
cmp "$state/ak.crt" "$work/before.crt" || fail "the certificate is another one"
ok "the certificate is the same"
