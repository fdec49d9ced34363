#!/bin/sh
# The good machine, after a boot of which its policy knows nothing.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

new_machine web
boot_machine web
accepted web "the machine is accepted"
reboot_machine web
accepted web "and after the next boot, too"
