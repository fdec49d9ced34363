# Sourced by the scripts of this folder: machines of their own, whose firmware measures the boot
# into a software TPM, and whose kernel measures every program. OVMF with the keys of Microsoft,
# Debian's shim, GRUB and kernel as they are signed, nginx on a small root; nothing of it is changed
# for us. QEMU emulates the processor where KVM does not work.
# shellcheck shell=sh disable=SC2034,SC2154
. "${RATLS_SOURCE_DIR:?}/tests/e2e/lib.sh"

# With RATLS_MACHINE=required no test of this folder may be skipped.
skip() {
    [ "${RATLS_MACHINE:-}" != required ] || fail "it must not be skipped: $*"
    echo "skipped: $*"
    exit 77
}

need qemu-system-x86_64 swtpm swtpm_setup mcopy mkfs.vfat sfdisk mke2fs e2fsck debugfs cpio evmctl \
    nginx openssl curl setpriv flock "$python"
firmware=/usr/share/OVMF
grub=/usr/lib/grub/x86_64-efi-signed
for file in $firmware/OVMF_CODE_4M.secboot.fd $firmware/OVMF_VARS_4M.ms.fd \
    $firmware/OVMF_VARS_4M.fd /bin/busybox \
    /usr/lib/shim/shimx64.efi.signed $grub/grubx64.efi.signed; do
    [ -e "$file" ] || skip "$file is missing"
done
[ -x "$RATLS_BINARY_DIR/bin/ratlsd" ] || skip "ratlsd is not built"

# A guest's processor is slow, and its TPM, too.
patience_s=300

# Its story is told by story.sh.
name=bank.example
command_line='console=ttyS0 ima_policy=tcb ima_template=ima-sig ima_hash=sha256 quiet'
# The good machine, which build.sh makes, and of which the others are copies.
images=$RATLS_BINARY_DIR/machine/good
policy=$work/policies/bank.yaml
# Nobody makes the images anew while somebody uses them.
mkdir -p "${images%/good}"
exec 8>"${images%/good}/lock"

machine_scripts=$RATLS_SOURCE_DIR/tests/machine
. "$machine_scripts/image.sh"
. "$machine_scripts/guest.sh"
. "$machine_scripts/verdict.sh"
