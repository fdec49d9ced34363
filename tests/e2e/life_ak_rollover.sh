#!/bin/sh
# docs/identity.md: a new attestation key while the old one serves; then the old one is revoked.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

make_page_ca
make_page_server
serve_ca
# Over the way of a client that is still of yesterday: both are good for a while.
steps "A new attestation key" 1 2
expect 0 "the old key serves" ask www www.bank.example
cp "$work/www.cnf" "$work/old.cnf"
steps "A new attestation key" 3 4
expect 0 "the new key serves" ask www www.bank.example
SERIAL=$(openssl x509 -in "$work/www.state/ak.crt" -noout -serial | sed 's/serial=//')
steps "A new attestation key" 5 8
expect 0 "the new key is not revoked" ask www www.bank.example
cp "$work/old.cnf" "$work/www.cnf"
step www "systemctl restart nginx"
expect 35 "the old one is" ask www www.bank.example
has ak.revoked
