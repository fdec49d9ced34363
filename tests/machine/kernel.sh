#!/bin/sh
# The kernel of before a security update, and then another boot loader: Debian signed both, and
# Secure Boot lets everything through that Debian has ever signed.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

fetch_kernel
older=$(apt-cache search --names-only '^linux-image-[0-9]+[.][0-9]+[.][0-9].*-cloud-amd64$' |
    cut -d' ' -f1 | sort -V |
    awk -v current="$package" '$0 == current {exit} {last = $0} END {print last}')
# Just behind a point release the mirror may have none: then that for other machines.
older=${older:-${package%-cloud-amd64}-amd64}
fetch_package "$older"
make_initrd "$cache/$older" "$work/initrd.gz"

new_machine web
make_disk web --kernel "$cache/$older/boot/"vmlinuz-* --initrd "$work/initrd.gz"
boot_machine web
in_guest web "uname -r" >"$work/uname.log"
has "$(echo "$older" | sed 's/^linux-image-//')" "$work/uname.log"
# GRUB measures it as a file, with the initrd that has its modules; shim measures it as a program.
digest=$(sha256sum "$cache/$older/boot/"vmlinuz-* | cut -c1-64)
refused web "Debian's kernel of before is refused" "boot.files boot.images" \
    "file of the boot loader $digest (unauthenticated: of \"linux /vmlinuz\")"
good_again web
halt_machine web

make_disk web --loader "$grub/grubnetx64.efi.signed"
boot_machine web
# It looks for its configuration elsewhere, which is another command.
refused web "another boot loader is refused, although Debian signed it" \
    "boot.command-line boot.images" "boot loaders that the policy allows (1 of" \
    "(hd0,gpt1)/grub/x86_64-efi/grub.cfg"
good_again web
