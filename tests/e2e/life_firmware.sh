#!/bin/sh
# docs/identity.md: an update changes what is measured; a sealed key goes on, for its next state was
# signed before.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"
need tpm2_pcrread tpm2_pcrextend

make_page_ca
update="An update, with a sealed key"
steps "$update" 1 5
echo "$(ek_of www),www.bank.example" >>"$ca/eks.csv"
enrol_files www www.bank.example
state=$work/www.state
trust_ca
cp "$work/policies/all.yaml" "$work/before.yaml"

# A machine of the same kind that has the update.
manufacture new
extend_pcr 7
init_machine new.state
steps "$update" 6 7

# Without the next state.
web www www.bank.example
client_conf
expect 0 "the client accepts www" ask www www.bank.example
has welcome
tcti=swtpm:path=$work/www/sock
extend_pcr 7
expect failure "the TPM does not use the key" ask www www.bank.example
# The client of before must not accept the new state, if there is evidence.
steps "$update" 8 9
expect 35 "clients must allow the next state" ask www www.bank.example
has pcr.value
state=$work/new.state
trust_ca
expect 0 "the same key, in the next state" ask www www.bank.example
has welcome
steps "$update" 10
STATE=$(grep -v '^\*' "$work/output.log" | grep -oE '[0-9a-f]{16,}' | head -n 1)
steps "$update" 11
expect 0 "without the old one" ask www www.bank.example
has welcome
