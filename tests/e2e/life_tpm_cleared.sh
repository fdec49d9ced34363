#!/bin/sh
# docs/identity.md: a TPM was cleared. Its attestation key is gone, its name is not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

need tpm2_clear
make_page_ca
make_page_server
serve_ca
tpm2_clear -T "swtpm:path=$work/www/sock" >"$work/clear.log" 2>&1 || fail "tpm2_clear"
expect failure "the old key is gone" ask www www.bank.example
steps "A TPM that was cleared"
expect 0 "the new key is accepted" ask www www.bank.example
has welcome
