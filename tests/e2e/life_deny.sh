#!/bin/sh
# docs/identity.md: what is denied gets no certificate, whatever approves it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"
need tpm2_getcap

make_page_ca
make_page_server
serve_ca
denied="TPMs, firmware and keys that are denied"
EK=$(ek_of www)
steps "$denied" 1 2
has stolen
steps "$denied" 3
steps "$denied" 4
steps "A TPM that was cleared" 2
expect 0 "what is denied no more" ask www www.bank.example
# Two numbers of 32 bits, of which tpm2_getcap leaves out leading zeros.
halves=$(tpm2_getcap -T "swtpm:path=$work/www/sock" properties-fixed |
    sed -n '/TPM2_PT_FIRMWARE_VERSION_/{n;s/.*raw: //p}')
# shellcheck disable=SC2086 # words
FIRMWARE=0x$(printf '%08x' $halves)
[ ${#FIRMWARE} -eq 18 ] || fail "no version of the firmware: $FIRMWARE"
steps "$denied" 5 6
has "$FIRMWARE"
