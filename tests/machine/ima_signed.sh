#!/bin/sh
# A kernel that runs only what the bank has signed. The initrd loads the bank's key and IMA's rules,
# then every program and library needs a signature (security.ima, by evmctl).
#
# What Debian's kernel (6.1) does with that, as seen here:
# - It measures a program before it decides: what it stops is on the list, too, and the client
#   refuses the machine until its next boot.
# - Without INTEGRITY_TRUSTED_KEYRING the keyring _ima is root's: root can add a key, and what that
#   has signed runs. KEY_CHECK measures the key, and the client judges by its own certificates.
# - The rules are written once in a boot (no IMA_WRITE_POLICY). With Secure Boot ima_appraise= on
#   the command line counts for nothing.
# - A ramfs, as the initrd's, has no signatures, so the rules must let its programs run. They are
#   measured.
# shellcheck disable=SC2154
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
need keyctl

# ---- an initrd that loads key and rules before it goes on

write_rules() {
    cat <<'RULES'
dont_measure fsmagic=0x9fa0
dont_measure fsmagic=0x62656572
dont_measure fsmagic=0x64626720
dont_measure fsmagic=0x1cd1
dont_measure fsmagic=0x73636673
dont_measure func=FILE_CHECK fsmagic=0x1021994
measure func=KEY_CHECK keyrings=_ima
measure func=BPRM_CHECK
measure func=MMAP_CHECK mask=MAY_EXEC
measure func=FILE_CHECK mask=^MAY_READ uid=0
measure func=MODULE_CHECK
dont_appraise fsmagic=0x858458f6
appraise func=BPRM_CHECK appraise_type=imasig
appraise func=MMAP_CHECK mask=MAY_EXEC appraise_type=imasig
RULES
}

make_first_initrd() { # in front of the good one's /init
    rm -rf "$work/initrd"
    mkdir -p "$work/initrd/bin" "$work/initrd/ima"
    for file in /usr/bin/keyctl $(ldd /usr/bin/keyctl | grep -oE '/[^ ]+\.so[^ ]*'); do
        mkdir -p "$work/initrd${file%/*}"
        cp -L "$file" "$work/initrd$file"
    done
    openssl x509 -in "$images/ima.pem" -outform DER -out "$work/initrd/ima/key.der"
    write_rules >"$work/initrd/ima/rules"
    cat >"$work/initrd/first" <<'FIRST'
#!/bin/busybox sh
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t securityfs none /sys/kernel/security
keyring=$(/usr/bin/keyctl newring _ima @u)
/usr/bin/keyctl padd asymmetric '' "$keyring" </ima/key.der
/bin/busybox cat /ima/rules >/sys/kernel/security/ima/policy || /bin/busybox poweroff -f
/bin/busybox umount /sys/kernel/security /sys
exec /init
FIRST
    chmod 755 "$work/initrd/first"
    pack_initrd "$work/first.gz"
    cat "$images/initrd.gz" "$work/first.gz" >"$work/signed.gz"
}
# An initrd in a ramfs, not in a tmpfs: in this the programs of /run need a signature, too.
command_line="$command_line rdinit=/first rootfstype=ramfs"

# ---- a root where everything that runs is signed

sign_programs() { # sign_programs NAME: by the bank
    mkdir "$work/tree" "$work/signatures"
    debugfs -R "rdump / $work/tree" "$work/$1/root.ext4" >/dev/null 2>&1
    find "$work/tree" -type f \( -perm -100 -o -name '*.so*' \) >"$work/programs"
    [ "$(wc -l <"$work/programs")" -gt 50 ] || fail "the programs of the root are not found"
    number=0
    while read -r file; do
        number=$((number + 1))
        cp "$file" "$work/signatures/$number"
        evmctl ima_sign --hashalgo sha256 --key "$images/ima.key" --sigfile \
            "$work/signatures/$number" >"$work/evmctl.log" 2>&1 || fail "evmctl ima_sign"
        echo "ea_set -f $work/signatures/$number.sig ${file#"$work/tree"} security.ima"
    done <"$work/programs" >"$work/commands"
    debugfs -w -f "$work/commands" "$work/$1/root.ext4" >/dev/null 2>&1
}

add_program() { # add_program NAME PATH [KEY]
    printf '#!/bin/busybox sh\necho %s runs\n' "$2" >"$work/program"
    put_file "$1" "$2" "$work/program"
    [ $# -lt 3 ] || sign_file "$1" "$2" "$3"
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/other.key" -out "$work/other.der" \
    -outform DER -days 30 -subj "/CN=somebody else" 2>"$work/req.log"
new_machine web
debugfs -w -R "mkdir /srv" "$work/web/root.ext4" 2>/dev/null
put_file web /bin/keyctl /usr/bin/keyctl
library=$(ldd /usr/bin/keyctl | grep -oE '/[^ ]+libkeyutils\.so[^ ]*')
put_file web "$library" "$library"
sign_programs web
add_program web /srv/signed "$images/ima.key"
add_program web /srv/unsigned
add_program web /srv/other "$work/other.key"
add_program web /srv/later "$work/other.key"
add_program web /srv/changed "$images/ima.key"
put_file web /srv/other.der "$work/other.der" 0644
make_first_initrd
make_disk web --initrd "$work/signed.gz" --command-line "$command_line"

# ---- what the bank wants of it

boot_machine web
rm -rf "$work/policies"
mkdir "$work/policies"
expect 0 "a policy is learned from a machine whose kernel wants signatures" "$ratls" policy learn \
    --server-name "$name" --out "$policy" "$address:$port_of_web"
cp "$images/ima.pem" "$work/policies/"
sed -i -e '/^ima:/a\  signed-by: [ima.pem]\n  exclude: [/nothing]' \
    -e '/^ima:/a\  signature-required: [/sbin/**, /usr/sbin/**, /usr/lib/**]' "$policy"
looked_past=/nothing
look_past() { # look_past PATH: the bank allows it as well, to see what else there is
    looked_past="$looked_past, $1"
    sed -i "s|^  exclude: .*|  exclude: [$looked_past]|" "$policy"
}
does_not_run() { # does_not_run WHAT PATH CHECK WORDS...: CHECK refuses it for the attempt
    attempted=$2 refused_for=$3
    expect 126 "$1" in_guest web "$2"
    has "Permission denied"
    shift 3
    refused web "the attempt is on the list" "$refused_for" "$attempted" "$@"
    look_past "$attempted"
}
accepted web "the machine is accepted: its programs are signed by the bank"

# ---- what runs, and what the client learns of it

expect 0 "a signed program runs" in_guest web /srv/signed
has "/srv/signed runs"
accepted web "and is accepted, although it is on no list of the policy"

does_not_run "an unsigned program does not run" /srv/unsigned ima.allow "or signed"
accepted web "nothing else is wrong"

does_not_run "a program that somebody else has signed does not run" /srv/other ima.signature \
    "by a key that is not among"

in_guest web "echo echo changed >>/srv/changed"
does_not_run "a signed program that was changed does not run" /srv/changed ima.signature \
    "not one over this digest"

in_guest web "cp /srv/unsigned /run/copy"
does_not_run "nor does a copy in memory" /run/copy ima.allow
in_guest web "mkdir /run/ramfs && mount -t ramfs none /run/ramfs && cp /srv/unsigned /run/ramfs/"
expect 0 "but it runs in a file system without signatures" in_guest web /run/ramfs/unsigned
refused web "which is on the list" ima.allow /run/ramfs/unsigned
look_past /run/ramfs/unsigned

look_past /srv/other.der
expect 0 "root of the machine trusts the key of somebody else" in_guest web \
    "keyctl padd asymmetric '' \$(keyctl search @u keyring _ima) </srv/other.der"
refused web "the key is on the list" ima.allow "_ima has sha256:$(sha256sum "$work/other.der" |
    cut -c1-16)"
look_past _ima
expect 0 "then a program by that key runs" in_guest web /srv/later
refused web "and is refused" ima.signature /srv/later "by a key that is not among"

# ---- the same machine when it is told to let everything run

make_disk web --initrd "$work/signed.gz" --command-line "ima_appraise=off $command_line"
reboot_machine web
sed -i "s|^  exclude: .*|  exclude: [/nothing]|" "$policy"
expect 126 "Secure Boot: nothing unsigned runs whatever the command line says" in_guest web \
    /srv/unsigned
refused web "and the machine is refused" "boot.command-line boot.files ima.allow" \
    ima_appraise=off
make_disk web --initrd "$work/signed.gz" --command-line "$command_line"
reboot_machine web
accepted web "the good machine is accepted again"
