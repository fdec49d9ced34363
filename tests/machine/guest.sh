# Sourced by lib.sh: machines as processes. What belongs to the machine NAME lies in $work/NAME, its
# console in $work/console_NAME.log. It serves at $address, port $port_of_NAME.
# shellcheck shell=sh disable=SC2154,SC2034
boot_timeout_s=300

# What build.sh has found out: KVM, or an emulated processor.
accelerator=$(cat "$images/accelerator" 2>/dev/null || echo tcg)

copy_machine() { # copy_machine FROM NAME
    flock -s 8
    # machine.build was skipped, and says why; or nobody has run it. It makes this file last.
    [ -e "$images/inputs" ] || skip "there are no images: the test machine.build makes them"
    mkdir -p "$work/$2"
    cp --sparse=always "$1/disk.img" "$1/root.ext4" "$1/vars.fd" "$work/$2/"
}

# new_machine NAME: one like the good one, and with its TPM; it has its key, and $policy allows it.
new_machine() {
    copy_machine "$images" "$1"
    rm -rf "$work/$1/tpm"
    cp -r "$images/tpm" "$work/$1/tpm"
    mkdir -p "$work/policies"
    cp -r "$images/policies/." "$work/policies/"
}

# fresh_machine NAME [BANKS]: with a TPM of its own, as it is before "ratls init".
fresh_machine() {
    copy_machine "$images/fresh" "$1"
    make_tpm "$work/$1/tpm" "${2:-sha256}"
}

make_disk() { # make_disk NAME [OPTIONS of change_disk]: the good one, but for what is said
    cp --sparse=always "$images/disk.img" "$work/$1/disk.img"
    disk_of=$1
    shift
    [ $# -eq 0 ] || change_disk "$work/$disk_of/disk.img" "$@"
}

# put_file NAME PATH FILE [MODE]: a file of the root of a machine that is off; no signature stays.
put_file() {
    debugfs -w -R "rm $2" "$work/$1/root.ext4" >/dev/null 2>&1 || true
    debugfs -w -R "write $3 $2" "$work/$1/root.ext4" >/dev/null 2>&1 || fail "put_file $2"
    debugfs -w -R "set_inode_field $2 mode 010${4:-0755}" "$work/$1/root.ext4" 2>/dev/null
    get_file "$1" "$2" "$work/was-put"
    cmp -s "$3" "$work/was-put" || fail "put_file $2"
}

# get_file NAME PATH FILE: FILE is what the machine, which is off, has there.
get_file() {
    debugfs -R "dump $2 $3" "$work/$1/root.ext4" >/dev/null 2>&1
    [ -s "$3" ] || fail "the machine has no $2"
}

# sign_file NAME PATH KEY: security.ima of a file of the root, as evmctl makes it.
sign_file() {
    get_file "$1" "$2" "$work/to-sign"
    rm -f "$work/to-sign.sig"
    # -n: it is for the machine, and not for the file here, for which one had to be root.
    evmctl ima_sign -n --hashalgo sha256 --key "$3" --sigfile "$work/to-sign" \
        >"$work/evmctl.log" 2>&1 || fail "evmctl ima_sign"
    debugfs -w -R "ea_set -f $work/to-sign.sig $2 security.ima" "$work/$1/root.ext4" 2>/dev/null
}

# forward NAME GUEST_PORT ADDRESS PORT: from the next boot on the guest reaches ADDRESS:PORT of this
# host at 10.0.2.100:GUEST_PORT. Nothing else outside is within its reach.
forward() {
    eval "net_of_$1=\"\${net_of_$1:-},guestfwd=tcp:10.0.2.100:$2-cmd:/bin/busybox nc $3 $4\""
}

# expose NAME GUEST_PORT: from the next boot on; at $address, port $exposed.
expose() {
    exposed=$(free_port)
    eval "net_of_$1=\"\${net_of_$1:-},hostfwd=tcp:$address:$exposed-:$2\""
}

start_processor() { # start_processor NAME: QEMU, with the TPM that runs already
    here=$work/$1 processor=max
    [ "$accelerator" = tcg ] || processor=host
    port=$(free_port)
    eval "port_of_$1=$port"
    eval "more=\${net_of_$1:-}"
    # It does not outlive a test that was killed.
    start "machine_$1" setpriv --pdeathsig TERM \
        qemu-system-x86_64 -accel "$accelerator" -cpu "$processor" -m 768 \
        -machine q35,smm=on -global driver=cfi.pflash01,property=secure,value=on \
        -display none -nodefaults -no-reboot \
        -drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.secboot.fd" \
        -drive "if=pflash,format=raw,file=$here/vars.fd" \
        -chardev "socket,id=tpm,path=$here/tpm.ctrl" -tpmdev emulator,id=tpm0,chardev=tpm \
        -device tpm-crb,tpmdev=tpm0 \
        -drive "if=none,id=boot,format=raw,file=$here/disk.img" \
        -device virtio-blk-pci,drive=boot,bootindex=0 \
        -drive "if=none,id=root,format=raw,file=$here/root.ext4" \
        -device virtio-blk-pci,drive=root \
        -netdev "user,id=net,restrict=on,hostfwd=tcp:$address:$port-:443$more" \
        -device virtio-net-pci,netdev=net,romfile= \
        -serial "file:$work/console_$1.log" \
        -chardev "socket,id=control,path=$here/control,server=on,wait=off" \
        -serial chardev:control
}

# On a busy host the guest's kernel may lose patience with its TPM, and then cannot attest.
boot_once() { # until nginx answers; false if the machine gave up
    here=$work/$1 pid=''
    rm -f "$here/tpm.ctrl" "$here/control"
    : >"$work/console_$1.log"
    start "swtpm_$1" swtpm socket --tpm2 --tpmstate "dir=$here/tpm" \
        --ctrl "type=unixio,path=$here/tpm.ctrl" --terminate
    wait_for 10 takes_connections "$here/tpm.ctrl" || fail "swtpm does not start"
    start_processor "$1"
    eval "pid=\$pid_of_machine_$1"
    until_s=$(($(date +%s) + boot_timeout_s))
    until says_started "$1" && serves "$1"; do
        if [ "$(date +%s)" -ge "$until_s" ] || ended "$pid" || timed_out "$1" ||
            has_said_last "$1"; then
            return 1
        fi
        sleep 0.2
    done
    ! timed_out "$1"
}

says_started() {
    grep -aq '^machine: nginx is started' "$work/console_$1.log"
}

timed_out() {
    grep -aq 'tpm tpm0: Operation Timed out' "$work/console_$1.log"
}

serves() { # serves NAME: to a client that does not ask for evidence
    eval "port=\$port_of_$1"
    curl --silent --fail --max-time 5 --cacert "$images/server.pem" \
        --resolve "$name:$port:$address" "https://$name:$port/" >/dev/null 2>&1
}

boot_machine() { # boot_machine NAME
    for attempt in 1 2 3; do
        if boot_once "$1"; then
            ok "the machine has booted"
            return 0
        fi
        timed_out "$1" || break
        echo "the guest's kernel got no answers of its TPM (attempt $attempt): the host is busy"
        halt_machine "$1"
    done
    show_console "$1"
    fail "the machine does not serve"
}

show_console() {
    echo "---- its console, the end"
    tail -c 8000 "$work/console_$1.log" | tr -d '\r' | tail -n 100
    echo "---- the end of its console"
}

# boot_in_vain NAME WHAT WORDS: it gets no further than to say WORDS on its console.
boot_in_vain() {
    last_words=$3
    if boot_once "$1" || ! has_said_last "$1"; then
        show_console "$1"
        fail "$2: it does not end with '$3'"
    fi
    last_words=
    ok "$2: '$3'"
}

has_said_last() {
    [ -n "${last_words:-}" ] && grep -aqF "$last_words" "$work/console_$1.log"
}

halt_machine() { # halt_machine NAME: as by a loss of power
    stop "machine_$1"
    pid=''
    eval "pid=\$pid_of_swtpm_$1"
    wait_for 10 ended "$pid" || stop "swtpm_$1"
    # What lies in the journal would come over what is changed here.
    e2fsck -fp "$work/$1/root.ext4" >"$work/e2fsck.log" 2>&1 || [ $? -eq 1 ] || fail "e2fsck"
}

reboot_machine() { # reboot_machine NAME
    halt_machine "$1"
    boot_machine "$1"
}

is_up() {
    pid=''
    eval "pid=\${pid_of_machine_$1:-}"
    [ -n "$pid" ] && ! ended "$pid"
}

# in_guest NAME COMMAND: by root's shell in the guest; COMMAND is one line. Prints what it prints.
in_guest() {
    "$python" "$machine_scripts/control.py" "$work/$1/control" "$patience_s" "$2"
}

write_script() { # write_script NAME PATH COMMAND: a program, which root of the guest puts there
    in_guest "$1" "printf '#!/bin/busybox sh\n$3\n' >$2 && chmod 755 $2"
}

run_script() { # run_script NAME PATH COMMAND
    write_script "$@" && in_guest "$1" "$2"
}
