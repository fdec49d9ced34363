#!/bin/sh
# The good machine, of which the other tests take copies: its images, its TPM, which made its key,
# and the policy that was learned from it. Made anew when something that it consists of has changed.
# shellcheck disable=SC2154
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

inputs() {
    date +%G-%V # its certificate lives for a month
    echo "$name ${RATLS_MACHINE_ACCEL:-auto}"
    sha256sum "$ratls" "$RATLS_BINARY_DIR/bin/ratlsd" "$module" "$kernel" /bin/busybox \
        "$(command -v nginx)" "$(command -v openssl)" "$(command -v curl)" \
        "$work/share/openssl.cnf" "$examples/server/openssl.cnf" \
        "$machine_scripts/image.sh" "$machine_scripts/build.sh" "$machine_scripts/guest.sh" \
        "$machine_scripts/lib.sh" "$machine_scripts/root/sbin/"* \
        "$machine_scripts/root/etc/ratls/"* "$machine_scripts/root/etc/nginx.conf" \
        "$firmware/OVMF_CODE_4M.secboot.fd" "$firmware/OVMF_VARS_4M.ms.fd" \
        /usr/lib/shim/shimx64.efi.signed "$grub/grubx64.efi.signed" |
        cut -c1-64
}
end_if_still_good() {
    inputs >"$work/inputs"
    cmp -s "$work/inputs" "$images/inputs" || return 0
    ok "the images of before are still those"
    exit 0
}
fetch_kernel
flock -s 8
end_if_still_good
flock -w 600 8 || fail "the images are of before, but a test or machine.sh has used them for 10" \
    "minutes: end it, or build ratls in another folder"
end_if_still_good # somebody else may have made them meanwhile

# A processor of the host, if the firmware gets as far with it as without: it needs SMM.
choose_accelerator() {
    case ${RATLS_MACHINE_ACCEL:-auto} in
    tcg | kvm)
        echo "$RATLS_MACHINE_ACCEL"
        return
        ;;
    esac
    cp "$firmware/OVMF_VARS_4M.ms.fd" "$work/try.fd"
    timeout 6 qemu-system-x86_64 -accel kvm -cpu host -m 256 -display none -nodefaults \
        -machine q35,smm=on -global driver=cfi.pflash01,property=secure,value=on \
        -drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.secboot.fd" \
        -drive "if=pflash,format=raw,file=$work/try.fd" -serial "file:$work/try.console" \
        >/dev/null 2>&1 </dev/null || true
    if grep -aq BdsDxe "$work/try.console" 2>/dev/null; then echo kvm; else echo tcg; fi
}

rm -rf "$images"
mkdir -p "$images/fresh"
choose_accelerator >"$images/accelerator"
accelerator=$(cat "$images/accelerator")
echo "processor: $accelerator"

make_certificate server
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ima.key" -out "$work/ima.pem" -days 30 \
    -subj "/CN=IT department of the bank" 2>"$work/req.log"
cp "$work/server.pem" "$work/server.key" "$work/ima.key" "$work/ima.pem" "$kernel" "$images/"
mv "$images/${kernel##*/}" "$images/vmlinuz"
make_initrd "$cache/$package" "$images/initrd.gz"
make_root_tree

mkdir "$work/web"
write_disk "$work/web/disk.img" "$images/vmlinuz" "$images/initrd.gz"
write_root "$work/web/root.ext4"
sign_file web /bin/signed-program "$images/ima.key"
cp "$firmware/OVMF_VARS_4M.ms.fd" "$work/web/vars.fd"
make_tpm "$work/web/tpm"

# The firmware writes down at its first start what it boots from then on.
boot_machine web
in_guest web sync
halt_machine web
cp --sparse=always "$work/web/disk.img" "$work/web/root.ext4" "$work/web/vars.fd" "$images/fresh/"

boot_machine web
in_guest web "ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0 && sync && start-agent" \
    >"$work/init.log" || fail "ratls init in the guest"
mkdir "$work/policies"
expect 0 "a policy is learned from the machine" "$ratls" policy learn --server-name "$name" \
    --out "$policy" "$address:$port_of_web"
# The bank adds what no machine can say: who signs its programs, and which must be signed.
cp "$work/ima.pem" "$work/policies/"
sed -i '/^ima:/a\  signed-by: [ima.pem]\n  signature-required: ["/bin/signed-program"]' "$policy"
cat "$policy"
accepted web "the machine is accepted"
halt_machine web

cp -r "$work/policies" "$work/web/tpm" "$images/"
cp --sparse=always "$work/web/disk.img" "$work/web/root.ext4" "$work/web/vars.fd" "$images/"
mv "$work/inputs" "$images/inputs"
