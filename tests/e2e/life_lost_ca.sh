#!/bin/sh
# docs/identity.md: the key of the CA is lost, its store is not: names stay with their machines.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

make_page_ca
make_page_server
make_machine other
cp -R "$ca/store" "$work/backup"
rm -R "$ca/ca.key" "$ca/store"
cp -R "$work/backup" "$ca/store"

steps "The CA was lost" 1 2
serve_ca
steps "The CA was lost" 3 5
expect 35 "the old issuer counts no more" ask www www.bank.example
has ak.trust
# No rule and no token: the store knows whose name it is.
: >"$ca/eks.csv"
steps "The CA was lost" 6 7
expect 0 "the client accepts www" ask www www.bank.example
has welcome
echo "$(ek_of other),www.bank.example" >>"$ca/eks.csv"
expect 1 "and nobody else gets its name" enrol other www.bank.example
has enrolled
