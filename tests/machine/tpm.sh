#!/bin/sh
# The good machine's disk with the TPM of another machine: whoever has stolen the disk, with the TLS
# key and the files of the attestation key on it.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

new_machine web
rm -rf "$work/web/tpm"
make_tpm "$work/web/tpm"
boot_machine web
unattested web "the stolen disk boots elsewhere, but its key is of use in no other TPM"
has "the TPM was cleared, or is another" "$work/console_web.log"
in_guest web "killall ratlsd; rm -rf /var/lib/ratls /run/ratls; mkdir /var/lib/ratls;\
 ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0 && start-agent"
refused web "the other TPM makes a key of its own, in the very same state" ak.trust \
    "expected  one of 1 pinned key"
halt_machine web
rm -rf "$work/web/tpm"
cp -r "$images/tpm" "$work/web/tpm"
good_again web
