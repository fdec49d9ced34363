#!/bin/sh
# docs/identity.md: a new key of the CA; certificates of both are good until the servers renewed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

make_page_ca
make_page_server
serve_ca
steps "A new key of the CA" 1 4
printf '  - issuer: ca2.crt\n    crl: ca2.crl\n' >>"$work/policies/all.yaml"
expect 0 "the client accepts a certificate of the old issuer" ask www www.bank.example
issuer_of() { openssl x509 -in "$1" -noout -issuer -nameopt RFC2253; }
subject_of() { openssl x509 -in "$1" -noout -subject -nameopt RFC2253 | sed 's/^subject/issuer/'; }
steps "A new key of the CA" 5 7
[ "$(issuer_of "$work/www.state/ak.crt")" = "$(subject_of "$ca/ca2.crt")" ] ||
    fail "the certificate is not of the new issuer"
expect 0 "and of the new one" ask www www.bank.example
has welcome

# Both sign their lists: what the old one issued can still be revoked.
cp "$work/www.state/ak.crt" "$work/new.crt"
expect 0 "all of www is revoked" at_ca revoke www.bank.example
quietly at_ca crl --issuer 1 -o "$work/policies/ca2.crl"
expect 35 "by the new issuer, too" ask www www.bank.example
has ak.revoked
