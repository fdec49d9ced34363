#!/bin/sh
# Secure Boot switched off, its keys replaced, and a bank with keys of its own. The keys are those
# that Debian's ovmf has for tests; their private half is public.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
need sbsign sbattach sbverify
ovmf=/usr/share/ovmf
variables=$firmware/OVMF_VARS_4M.snakeoil.fd
for file in "$variables" $ovmf/PkKek-1-snakeoil.key $ovmf/PkKek-1-snakeoil.pem; do
    [ -e "$file" ] || skip "$file is missing"
done

# switch_off NAME: Secure Boot, as in the firmware's menu; its keys stay.
switch_off() {
    "$python" "$machine_scripts/efi_variable.py" "$work/$1/vars.fd" \
        f0a30bc7-af08-4556-99c4-001009c93a44 SecureBootEnable 00
}

openssl rsa -in $ovmf/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$work/bank.key" \
    2>"$work/req.log"
strip_program() { # strip_program FROM TO: TO has no signature
    cp "$1" "$2"
    chmod u+w "$2"
    while sbverify --list "$2" 2>&1 | grep -q '^signature '; do
        sbattach --remove "$2" >"$work/sbsign.log" 2>&1 || fail "sbattach"
    done
}

sign_program() { # sign_program FROM TO: by the bank, and by nobody else
    strip_program "$1" "$work/stripped"
    sbsign --key "$work/bank.key" --cert $ovmf/PkKek-1-snakeoil.pem --output "$2" \
        "$work/stripped" >"$work/sbsign.log" 2>&1 || fail "sbsign"
}
sign_program /usr/lib/shim/shimx64.efi.signed "$work/shim.efi"
sign_program "$images/vmlinuz" "$work/vmlinuz"
read_by_grub() { # read_by_grub KERNEL: as reports say it
    echo "file of the boot loader $(sha256sum "$1" | cut -d' ' -f1)"
}

new_machine web
switch_off web
boot_machine web
what="a machine on which Secure Boot was switched off is refused"
# shellcheck disable=SC2154 # of image.sh
if [ -n "$by_efi" ]; then
    refused web "$what" boot.present "where Secure Boot is off"
else
    refused web "$what" "boot.secure-boot boot.signers" "expected  Secure Boot: on"
fi
good_again web
halt_machine web

# The same programs under other keys: the machine would also start what their owner signs.
cp "$variables" "$work/web/vars.fd"
make_disk web --shim "$work/shim.efi"
boot_machine web
refused web "a machine with other keys of Secure Boot is refused" "boot.signers boot.variables" \
    "seen      variable of Secure Boot " 'seen      authority "db"'
good_again web
halt_machine web

# What is signed by nobody does not start there, whoever has the disk.
cp "$variables" "$work/web/vars.fd"
strip_program "$images/vmlinuz" "$work/unsigned"
make_disk web --shim "$work/shim.efi" --kernel "$work/unsigned"
boot_in_vain web "a kernel that nobody signed does not start" "bad shim signature"
halt_machine web

# A bank whose own keys they are, and which signs its kernels itself.
make_disk web --shim "$work/shim.efi" --kernel "$work/vmlinuz"
boot_machine web
refused web "its kernel, too, is refused by who does not know these keys" \
    "boot.files boot.signers boot.variables" "seen      variable of Secure Boot " \
    'seen      authority "db"' "$(read_by_grub "$work/vmlinuz")" 'of "linux /vmlinuz"'
# shellcheck disable=SC2154 # of boot_machine
expect 0 "the bank learns a policy of its own machine" "$ratls" policy learn \
    --server-name "$name" --out "$work/policies/own.yaml" "$address:$port_of_web"
accepted web "and accepts it by that" --policy "$work/policies/own.yaml"
good_again web
refused web "which does not accept the machine with the keys of Microsoft" \
    "boot.files boot.signers boot.variables" "seen      variable of Secure Boot " \
    'seen      authority "db"' "$(read_by_grub "$images/vmlinuz")" 'of "linux /vmlinuz"' \
    -- --policy "$work/policies/own.yaml"
