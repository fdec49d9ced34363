#!/bin/sh
# A policy is learned from a server with logs; then its kernel command line, its boot loader, and a
# program on it change: refused in words that name the change, and accepted after an update.
. "$(dirname "$0")/lib.sh"
need swtpm tpm2_shutdown openssl "$python"
make_certificate server
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/vendor.key" \
    -outform DER -out "$work/vendor.der" -days 30 -subj "/CN=Vendor" 2>"$work/req.log"
port=$(free_port)
server=$address:$port
policy=$work/bank.yaml

logs() { # logs [WORD=TEXT]... -- [PATH=CONTENT]...: boot and ima, of the machine as it boots next
    words=
    while [ "$1" != -- ]; do
        words="$words $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # words
    "$python" "$support/make_logs.py" boot "$work/boot" "$work/vendor.der" $words
    "$python" "$support/make_logs.py" ima "$work/ima" "$work/boot" "$@"
}

boot() { # a machine with these logs, and its server
    start_tpm tpm
    set -- --boot-log "$work/boot"
    [ ! -e "$work/ima" ] || set -- "$@" --ima-list "$work/ima"
    "$RATLS_BINARY_DIR/bin/extend_log" --tcti "$tcti" "$@" >"$work/extend.log" 2>&1 ||
        fail "extend_log"
    [ -e "$work/state" ] || init_machine state
    state=$work/state
    server_conf
    printf 'boot-log = %s\nima-list = %s\n' "$work/boot" "$work/ima" >>"$work/server.cnf"
    start_python_server attested
}

shut_down() {
    stop python
    wait_for 10 tpm2_shutdown -T "$tcti" --clear >"$work/shutdown.log" 2>&1 || fail "tpm2_shutdown"
    stop tpm
}

probe() {
    "$ratls" probe "$server" --server-name "$name" --policy "$policy" --ca "$work/server.pem" "$@"
}
learn() {
    "$ratls" policy learn "$server" --server-name "$name" "$@"
}
update() {
    "$ratls" policy update "$policy" "$server" --server-name "$name" "$@"
}
# Longer than one piece of evidence, so that some of it has to be fetched.
files=
i=0
while [ "$i" -lt 900 ]; do
    files="$files /usr/lib/a-library-with-a-long-name-so-that-the-list-grows-$i.so=$i"
    i=$((i + 1))
done

# shellcheck disable=SC2086 # words
logs -- $files /usr/bin/signed=1 /usr/bin/plain=1
boot
expect 0 "learn" learn --out "$policy"
has "bank.ima.sha256: 902 lines"
expect 0 "the machine is accepted" probe --save "$work/good.capture"
expect 0 "learn from a capture" "$ratls" policy learn "$work/good.capture" --out "$work/kept.yaml"
expect 0 "and verify it" "$ratls" verify "$work/good.capture" --policy "$work/kept.yaml"
expect 0 "learn, but what is in two folders" learn --out "$work/less.yaml" \
    --exclude "/usr/lib/**" --exclude "/var/log/**"
has "less.ima.sha256: 2 lines"
has "/usr/lib/**" "$work/less.yaml"
lacks "a-library" "$work/less.ima.sha256"
expect 0 "that is accepted, too" "$ratls" verify "$work/good.capture" --policy "$work/less.yaml"
expect 2 "not every path" learn --out "$work/none.yaml" --exclude "/**"
has "no file is left"
expect 2 "no pattern" learn --out "$work/none.yaml" --exclude "/usr/***"
has "--exclude /usr/***"
expect 2 "values are of no files" learn --values --exclude "/usr/lib/**"
has "--exclude is for a new policy"
shut_down

changed() { # changed WORDS: refused by the policy that was learned
    expect 1 "the changed machine is refused" probe --save "$work/changed.capture"
    has "$1"
    expect 1 "diff of the captures" "$ratls" policy diff "$work/good.capture" \
        "$work/changed.capture"
    has "$2"
    expect 1 "diff of policy and capture" "$ratls" policy diff "$policy" "$work/changed.capture"
    has "$2"
}

# shellcheck disable=SC2086 # words
logs cmdline=/vmlinuz -- $files /usr/bin/signed=1 /usr/bin/plain=1
boot
changed "boot.command-line" "'/vmlinuz root=/dev/vda1 quiet' -> '/vmlinuz'"
shut_down

# shellcheck disable=SC2086 # words
logs loader=older -- $files /usr/bin/signed=1 /usr/bin/plain=1
boot
changed "boot.images" "image"
shut_down

# shellcheck disable=SC2086 # words
logs -- $files /usr/bin/signed=1 /usr/bin/plain=2
boot
changed "/usr/bin/plain" "/usr/bin/plain (IMA list, entry 903): other digest"
expect 0 "update from a capture" "$ratls" policy update "$policy" "$work/changed.capture" --dry-run
has "/usr/bin/plain"
expect 1 "the policy with two folders less refuses it, too" "$ratls" verify \
    "$work/changed.capture" --policy "$work/less.yaml"
has "/usr/bin/plain"
expect 0 "update" update
has "Added to 1 file"
expect 0 "and now it is accepted" probe
shut_down
expect 0 "the machine as it was is still accepted" "$ratls" verify "$work/good.capture" \
    --policy "$policy"

# Real logs, where they are: a machine with Secure Boot and GRUB, and one with SeaBIOS and IMA.
corpus=$RATLS_SOURCE_DIR/../shared/corpus
[ -e "$corpus/cases.json" ] || exit 0
make_logs() {
    "$python" "$support/make_logs.py" "$@"
}
cp "$corpus/eventlogs/google-rhel8-uefi.bin" "$work/real"
rm -r "$work/state" "$work/ima"
policy=$work/uefi.yaml
cat "$work/real" >"$work/boot"
boot
expect 0 "learn from the logs of a real machine" learn --out "$policy"
has "uefi.command-lines.txt: 43 lines"
has "linux (hd0,gpt2)/boot/vmlinuz-" "$work/uefi.files.sha256"
has "image 2" "$work/uefi.images.sha256"
expect 0 "it is accepted" probe --save "$work/good.capture"
expect 0 "with names of the whole log" learn --boot-log "$work/boot" --out "$work/names.yaml"
has "/EFI/redhat/shimx64.efi" "$work/names.images.sha256"
shut_down

make_logs event "$work/boot" "$work/real" 78 "(hd0,gpt2)/boot/vmlinuz init=/bin/sh"
boot
changed "boot.command-line" "-> '(hd0,gpt2)/boot/vmlinuz init=/bin/sh'"
has "kernel command line"
shut_down

make_logs event "$work/boot" "$work/real" 26 "another GRUB"
boot
changed "boot.images" "image that was started"
shut_down

rm -r "$work/state"
policy=$work/bios.yaml
cat "$corpus/eventlogs/kraemr-seabios-vm.bin" >"$work/boot"
make_logs sha1 "$work/real" "$corpus/ima/kraemr-sha256.bin"
cp "$work/real" "$work/ima"
boot
expect 0 "learn from real logs of IMA" learn --out "$policy"
expect 0 "the machine is accepted" probe --save "$work/good.capture"
expect 0 "nothing to update" update
has "nothing to add"
expect 0 "explain" "$ratls" policy explain "$policy"
shut_down

make_logs entry "$work/ima" "$work/real" 3000 "another program"
boot
extend_pcr 4
extend_pcr 10
expect 1 "a machine that does not own to what it measured" probe --save "$work/mute.capture"
has "what the log says is not authenticated"
expect 1 "diff with it" "$ratls" policy diff "$work/good.capture" "$work/mute.capture"
has "sha256 PCR 4: other digest"
has "sha256 PCR 10: other digest"
has "mute.capture has nothing beside them"
lacks "no longer"
lacks "/usr/"
shut_down
boot
expect 1 "a real machine with another program is refused" probe --save "$work/changed.capture"
has "ima-list[3000]"
expect 1 "diff of the captures" "$ratls" policy diff "$work/good.capture" "$work/changed.capture"
has "(IMA list, entry 3000): other digest"
has "1 difference"
expect 0 "update" update
has "Added to 1 file"
expect 0 "and now it is accepted" probe
