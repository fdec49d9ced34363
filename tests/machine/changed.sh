#!/bin/sh
# The whole way with real logs: a machine with Secure Boot, Debian's shim, GRUB and kernel, and
# IMA. A policy is learned from it; then its command line, its boot loader, a signed and an unsigned
# program are changed, one after the other, and each refusal names the change.
. "$(dirname "$0")/lib.sh"

# What boots without a change of its own is accepted; this is put back before each change.
good_disk() {
    make_disk "$grub/grubx64.efi.signed" "$command_line"
}

sign_program() {
    sign_file /bin/signed-program "$work/ima.key"
}

make_certificate server
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ima.key" -out "$work/ima.pem" -days 30 \
    -subj "/CN=IT department of the bank" 2>"$work/req.log"
fetch_kernel
make_initrd
good_disk
make_root
sign_program
make_tpm
# The firmware writes down at its first start what it boots from then on.
boot_machine
halt_machine

boot_machine
expect 0 "a policy is learned from the machine" "$ratls" policy learn --server-name "$name" \
    --out "$work/bank.yaml" "127.0.0.1:$port"
# The bank adds what no machine can say: who signs its programs, and which must be signed.
sed -i '/^ima:/a\  signed-by: [ima.pem]\n  signature-required: ["/bin/signed-program"]' \
    "$work/bank.yaml"
cat "$work/bank.yaml"
probe_machine 0 "the machine is accepted"
halt_machine

boot_machine
probe_machine 0 "and after the next boot, too"
halt_machine

make_disk "$grub/grubx64.efi.signed" "$command_line audit=0"
boot_machine
probe_machine 1 "another command line is refused"
has boot.command-line
has audit=0
halt_machine

make_disk "$grub/grubnetx64.efi.signed" "$command_line"
boot_machine
probe_machine 1 "another boot loader is refused, although Secure Boot lets it through"
has boot.images
halt_machine

good_disk
replace_file /bin/signed-program '#!/bin/busybox sh
echo signed, version 2'
boot_machine
probe_machine 1 "a signed program that was changed is refused"
has /bin/signed-program
halt_machine

sign_program
boot_machine
probe_machine 0 "signed again it is accepted, and nobody has touched the policy"
replace_file /bin/unsigned-program '#!/bin/busybox sh
echo unsigned, version 2'
halt_machine

boot_machine
probe_machine 1 "an unsigned program that was changed is refused"
has ima.allow
has /bin/unsigned-program
expect 0 "the change is looked at, and added to the policy" "$ratls" policy update \
    "$work/bank.yaml" "127.0.0.1:$port" --server-name "$name"
has /bin/unsigned-program
probe_machine 0 "then the machine is accepted"
halt_machine
