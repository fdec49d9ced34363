#!/bin/sh
# docs/identity.md: another machine takes over a name, and the machine of before is refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

make_page_ca
make_page_server
serve_ca
manufacture new
quietly at_ca token --names www.bank.example -o "$desk/token"
steps "Another machine under the same name" 1 2
has enrolled
steps "Another machine under the same name" 3
EK=$(ek_of new)
has "$EK"
steps "Another machine under the same name" 4 7
web new www.bank.example
expect 0 "the new machine is accepted" ask new www.bank.example
has welcome
expect 35 "the old one is not" ask www www.bank.example
has ak.revoked
