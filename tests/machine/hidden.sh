#!/bin/sh
# What the kernel's built-in policy (ima_policy=tcb) does not measure, an attacker who is root can
# use: programs in memory, and the policy itself, which he can replace once. With a policy of IMA
# that the initrd loads the first are measured, and the second cannot be; and a machine that boots
# without that initrd is refused.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
ima_policy=/sys/kernel/security/ima/policy

load_library() { # load_library PATH: into a program that is allowed
    in_guest web "{ cat /usr/lib/ratls.so; echo spying; } >$1 && LD_PRELOAD=$1 nginx -v" \
        >"$work/output.log" || fail "load_library"
    lacks "cannot be preloaded"
    has "nginx version"
}
# The good initrd, which loads examples/server/ima-policy before anything of the root is run.
make_strict_initrd() { # make_strict_initrd FILE
    unpack_initrd
    cp "$examples/server/ima-policy" "$work/initrd/ima-policy"
    sed -i '/^mount .dev.vdb/i\
mount -t securityfs none /sys/kernel/security\
cat /ima-policy >/sys/kernel/security/ima/policy || poweroff -f' "$work/initrd/init"
    pack_initrd "$1"
}

# ---- the limits of ima_policy=tcb; see "What Linux IMA does not measure" in docs/security.md

new_machine web
boot_machine web
accepted web "the machine is accepted"
run_script web /run/spy 'echo spying'
accepted web "a program on tmpfs is not measured: nobody can see it"
in_guest web "mkdir -p /dev/shm && mount -t tmpfs none /dev/shm"
run_script web /dev/shm/spy 'echo spying'
accepted web "nor in shared memory"
load_library /run/spy.so
accepted web "nor a library, which nginx is made to load"
in_guest web "echo dont_measure >$ima_policy"
run_script web /var/spy 'echo spying'
accepted web "nor is anything, once root has replaced the kernel's policy"
halt_machine web

# ---- with a policy of IMA that the initrd loads

copy_machine "$images" web
make_strict_initrd "$work/strict.gz"
make_disk web --initrd "$work/strict.gz"
boot_machine web
refused web "an initrd that loads another policy of IMA is another initrd" boot.files \
    "file of the boot loader"
# shellcheck disable=SC2034 # for refused
policy=$work/policies/strict.yaml
expect 0 "the owner has put it there, and learns it" "$ratls" policy learn --server-name "$name" \
    --out "$policy" "$address:$port"
accepted web "then the machine is accepted"
expect 1 "the kernel's policy cannot be replaced any more" in_guest web \
    "echo dont_measure >$ima_policy"
has "can't create $ima_policy: "
load_library /run/spy.so
refused web "a library on tmpfs is measured" ima.allow "/run/spy.so has sha256:"
run_script web /run/spy 'echo spying'
refused web "so is a program" ima.allow "(2 of "
in_guest web "mkdir -p /dev/shm && mount -t tmpfs none /dev/shm"
run_script web /dev/shm/spy 'echo spying'
refused web "and one in shared memory" ima.allow "(3 of "
halt_machine web
make_disk web
boot_machine web
refused web "an attacker puts the initrd back that loads nothing" boot.files \
    "file of the boot loader"
policy=$work/policies/bank.yaml
accepted web "by the policy of before it is the good machine again"
