#!/bin/sh
# TPMs with two banks. Firmware, boot loaders and kernel extend each of them, and the policy says in
# which one it wants the boot log, and in which one the list of IMA.
#
# Debian's kernel has SHA-384 as a module, which is not there when IMA begins: it then extends the
# SHA-384 bank with SHA-1 digests and zeros, and makes boot_aggregate in the SHA-256 bank. So its
# list counts in that one, whatever bank the boot log is taken in.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
printf '#!/bin/busybox sh\necho nobody knows me\n' >"$work/unknown"

first_boot() { # first_boot NAME BANKS: a machine with such a TPM, that has its key
    fresh_machine "$1" "$2"
    put_file "$1" /bin/unknown "$work/unknown"
    boot_machine "$1"
    in_guest "$1" "ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0 && sync" \
        >"$work/init.log" || fail "ratls init in the guest"
    in_guest "$1" start-agent || fail "the agent does not start"
}

has_banks() { # has_banks NAME BANK BANK: in its boot log, and with what IMA measured
    expect 0 "the firmware's log of the machine" in_guest "$1" \
        "ratls show /sys/kernel/security/tpm0/binary_bios_measurements"
    has " $2 $3"
    for bank in "$2" "$3"; do
        value=$(in_guest "$1" "cat /sys/class/tpm/tpm0/pcr-$bank/10") || fail "no bank $bank"
        case $value in
        *[1-9A-F]*) ok "PCR 10 of $bank was extended" ;;
        *) fail "PCR 10 of $bank is $value" ;;
        esac
    done
}

learn() { # learn MACHINE NAME [OPTION...]: the policy $work/NAME/bank.yaml
    eval "port=\$port_of_$1"
    mkdir "$work/$2"
    policy=$work/$2/bank.yaml
    shift 2
    expect 0 "a policy is learned $*" "$ratls" policy learn --server-name "$name" \
        --out "$policy" "$@" "$address:$port"
}

banks_are() { # banks_are BOOT IMA: of $policy
    [ "$(sed -n 's/^  bank: //p' "$policy" | tr '\n' ' ')" = "$1 $2 " ] ||
        fail "not boot: $1, ima: $2: $(cat "$policy")"
    ok "... with the boot log in $1 and the list of files in $2"
}

# ---- SHA-1 and SHA-256: an older machine

first_boot old sha1,sha256
has_banks old sha1 sha256
learn old of_old
banks_are sha256 sha256
accepted old "the machine is accepted by its SHA-256 bank"
expect 0 "a program that nobody knows runs" in_guest old /bin/unknown
refused old "and is refused" ima.allow /bin/unknown
reboot_machine old
accepted old "after a new start the machine is accepted again"
halt_machine old

# ---- SHA-256 and SHA-384: a newer one

first_boot new sha256,sha384
has_banks new sha256 sha384
learn new sha256
banks_are sha256 sha256
learn new sha384 --pcrs sha384:0-7
banks_are sha384 sha256
learn new both --pcrs sha256:0-7+sha384:0-9
banks_are sha256 sha256
has "sha384:" "$policy"

all_accept() {
    for bank in sha256 sha384 both; do
        policy=$work/$bank/bank.yaml
        accepted new "$1 ($bank)"
    done
}
all_accept "the machine is accepted"

cp -r "$work/sha256" "$work/padded"
policy=$work/padded/bank.yaml
sed -i '/^ima:/,$s/^  bank: sha256/  bank: sha384/' "$policy"
banks_are sha256 sha384
refused new "in SHA-384 the kernel's list does not begin as it should" ima.boot-aggregate \
    "expected  boot_aggregate sha384:" "seen      boot_aggregate has sha256:"

expect 0 "a program that nobody knows runs" in_guest new /bin/unknown
for bank in sha256 sha384 both; do
    policy=$work/$bank/bank.yaml
    refused new "and is refused ($bank)" ima.allow /bin/unknown
done

make_disk new --command-line "$command_line audit=0"
changed="boot.command-line boot.files" # GRUB measures its configuration as a file, too
reboot_machine new
for bank in sha256 sha384; do
    policy=$work/$bank/bank.yaml
    refused new "another command line is refused ($bank)" "$changed" audit=0
done
policy=$work/both/bank.yaml
refused new "and by the value of the other bank, too" "$changed pcr.value" audit=0 \
    "pcrs.sha384[8]"

make_disk new
reboot_machine new
all_accept "the good machine is accepted again"
