#!/bin/sh
# docs/identity.md: a machine is revoked, another one is not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

make_page_ca
make_page_server
make_machine www2
echo "$(ek_of www2),www2.bank.example" >>"$ca/eks.csv"
enrol_files www2 www2.bank.example
web www2 www2.bank.example
expect 0 "another server is accepted" ask www2 www2.bank.example
steps "A machine that must not be believed any more"
expect 35 "the client refuses www" ask www www.bank.example
has ak.revoked
expect 0 "and not the other" ask www2 www2.bank.example
has welcome
