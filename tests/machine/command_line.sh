#!/bin/sh
# Somebody who can write to the disk starts the same kernel with another command line. Firmware,
# Secure Boot and every signature have nothing against it: GRUB's configuration is not signed.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

new_machine web

# The line is measured by itself, and in the file in which it stands.
make_disk web --command-line "$command_line audit=0"
boot_machine web
refused web "a kernel that was told to keep no records is refused" \
    "boot.command-line boot.files" "quiet audit=0" \
    "file of the boot loader $(sha256sum <"$work/grub.cfg" | cut -c1-64)"
good_again web
halt_machine web

# Then IMA has no policy, and what runs is in no list. All that is left in it are modules, which a
# kernel under Secure Boot measures by rules of its own, and which no list of a good boot has.
make_disk web --command-line 'console=ttyS0 ima_template=ima-sig ima_hash=sha256 quiet'
boot_machine web
refused web "a machine without IMA is refused" "boot.command-line boot.files ima.allow" \
    'linux /vmlinuz console=ttyS0 ima_template=ima-sig ima_hash=sha256 quiet' /m/virtio_
lacks /usr/sbin/nginx
good_again web
