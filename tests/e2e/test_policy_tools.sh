#!/bin/sh
# `ratls policy learn`, `update`, `diff` and `explain` with machines that have logs: a software TPM
# is extended as the logs say. Needs no provider, so it runs with sanitizers too.
. "$(dirname "$0")/lib.sh"
need swtpm tpm2_shutdown openssl "$python"
extend_log=$RATLS_BINARY_DIR/bin/extend_log
[ -x "$extend_log" ] || fail "extend_log is not built"

is_json() { # is_json EXPRESSION: the output is one JSON document, d, of which it holds
    "$python" -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$work/output.log" "$1" || fail "not JSON, or not: $1"
    ok "... as JSON, with $1"
}

signer() { # signer NAME: NAME.der, the authority of a Secure Boot
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" \
        -outform DER -out "$work/$1.der" -days 30 -subj "/CN=Secure Boot of $1" 2>"$work/req.log"
}

boot_log() { # boot_log NAME SIGNER [WORD=TEXT]...: NAME.log
    log=$1 certificate=$2
    shift 2
    "$python" "$support/make_logs.py" boot "$work/$log.log" "$work/$certificate.der" "$@"
    mv "$work/$log.log" "$work/$log.boot"
}

ima_list() { # ima_list NAME [PATH=CONTENT]...: NAME.ima, behind NAME.boot
    list=$1
    shift
    "$python" "$support/make_logs.py" ima "$work/$list.ima" "$work/$list.boot" "$@"
}

machine() { # machine NAME: boots one whose logs are NAME.boot and NAME.ima, with a key of its own
    start_tpm "tpm_$1"
    "$extend_log" --tcti "$tcti" --boot-log "$work/$1.boot" --ima-list "$work/$1.ima" \
        >"$work/extend.log" 2>&1 || fail "extend_log"
    [ -e "$work/state_$1" ] || init_machine "state_$1"
}

reboot() { # reboot NAME AS: the TPM and key of NAME, with the logs of AS
    timeout 20 tpm2_shutdown -T "swtpm:path=$work/tpm_$1/sock" --clear || fail "tpm2_shutdown"
    stop "tpm_$1"
    cp "$work/$2.boot" "$work/$1.boot.now"
    cp "$work/$2.ima" "$work/$1.ima.now"
    start_tpm "tpm_$1"
    "$extend_log" --tcti "$tcti" --boot-log "$work/$1.boot.now" --ima-list "$work/$1.ima.now" \
        >"$work/extend.log" 2>&1 || fail "extend_log"
}

from_local() { # from_local NAME AS: the options for that machine
    echo "--local --state $work/state_$1 --tcti $tcti --boot-log $work/$2.boot \
        --ima-list $work/$2.ima"
}

learn() { # learn NAME [OPTION]...
    learned=$1
    shift
    # shellcheck disable=SC2046 # words
    "$ratls" policy learn $(from_local "$learned" "$learned") --server-name "$name" "$@"
}

update() { # update NAME AS [OPTION]...
    updated=$1 as=$2
    shift 2
    # shellcheck disable=SC2046 # words
    "$ratls" policy update "$policy" $(from_local "$updated" "$as") --server-name "$name" "$@"
}

signer vendor
signer other
boot_log good vendor
ima_list good /usr/bin/ls=1 /usr/bin/cat=1
boot_log kernel vendor "cmdline=/vmlinuz-2 root=/dev/vda1 quiet" "kernel=kernel 2" "setting=2"
ima_list kernel /usr/bin/ls=2 /usr/bin/cat=1 /usr/bin/new=1
boot_log evil vendor "cmdline=/vmlinuz root=/dev/vda1 quiet init=/bin/sh"
ima_list evil /usr/bin/ls=1
boot_log signed other "loader=loader 2" "dbx=revoked"
ima_list signed /usr/bin/ls=1
boot_log off vendor secure-boot=off
ima_list off /usr/bin/ls=1
boot_log bare vendor owner-keys=none
ima_list bare /usr/bin/ls=1
policy=$work/bank.yaml

# Two boots, and two lists, in words.
expect 1 "diff of two boots" "$ratls" policy diff "$work/good.boot" "$work/evil.boot"
has "kernel command line (PCR 8, event 24): '/vmlinuz root=/dev/vda1 quiet' -> \
'/vmlinuz root=/dev/vda1 quiet init=/bin/sh'"
has "not authenticated"
has "2 differences"
expect 1 "diff of two boots as JSON" "$ratls" policy diff --json "$work/good.boot" \
    "$work/signed.boot"
is_json '[c["what"] for c in d["changes"] if c["change"] == "changed"] == \
["variable of Secure Boot"] * 4 + ["signer of what was loaded", "image that was started"] and \
not d["same"]'
expect 1 "diff of two lists" "$ratls" policy diff "$work/good.ima" "$work/kernel.ima"
has "/usr/bin/ls (IMA list, entry 2): other digest"
has "new: file that ran or was read /usr/bin/new (IMA list, entry 4)"
lacks "/usr/bin/cat"
expect 1 "diff where Secure Boot is off" "$ratls" policy diff "$work/good.boot" "$work/off.boot"
has "Secure Boot: 'on' -> 'off'"
has "no longer: signer of what was loaded"
expect 0 "diff of the same" "$ratls" policy diff "$work/good.boot" "$work/good.boot"
has "No difference."
expect 3 "diff of something else" "$ratls" policy diff "$work/good.boot" "$work/good.boot/.."
printf 'nonsense' >"$work/nonsense"
expect 3 "diff of nonsense" "$ratls" policy diff "$work/good.boot" "$work/nonsense"
has "nor an IMA list in binary form"

# Learned from the machine, proven by the policy itself.
machine good
expect 2 "a policy with lists needs a place" learn good
has "--out says where"
expect 0 "learn" learn good --out "$policy"
has "bank.images.sha256: 1 line"
has "WARNING: trust on first use"
for list in firmware.sha256 images.sha256 variables.sha256 signers.pem command-lines.txt \
    files.sha256 owner-keys.sha256 ima.sha256; do
    [ -s "$work/bank.$list" ] || fail "bank.$list is missing"
done
[ ! -e "$work/bank.settings.sha256" ] || fail "settings were learned though nobody asked"
[ -z "$(find "$work" -maxdepth 1 -name '.ratls-*')" ] || fail "a folder was left behind"
has "  /EFI/demo/grubx64.efi" "$work/bank.images.sha256"
has "  /usr/bin/ls" "$work/bank.ima.sha256"
has "# CN=Secure Boot of vendor" "$work/bank.signers.pem"
has "menuentry 'a\\*' {\\n\\tboot\\n}" "$work/bank.command-lines.txt"
has "secure-boot: required" "$policy"
expect 2 "learn overwrites nothing" learn good --out "$policy"
has "exists already"
expect 0 "learn replaces with --force" learn good --out "$policy" --force
expect 0 "nothing to update" update good good
has "nothing to add"
expect 0 "the policy and the machine agree" "$ratls" policy diff "$policy" "$work/good.boot"
expect 1 "the policy and another boot do not" "$ratls" policy diff "$policy" "$work/evil.boot"
has "init=/bin/sh"
expect 0 "explain" "$ratls" policy explain "$policy"
has "Secure Boot must have been on (PCR 7)."
has "must be signed by this authority: CN=Secure Boot of vendor."
has "must be the 1 digest in bank.images.sha256"
has "PCR 1: firmware: its settings"
expect 0 "explain --json" "$ratls" policy explain --json "$policy"
is_json 'd["policies"][0]["servers"][0] == "It speaks for server.test." and \
len(d["policies"][0]["boot"]) > 5'
expect 0 "explain denied keys" "$ratls" policy explain "$RATLS_SOURCE_DIR/policies/strict.yaml"
has "1 attestation key is refused, whoever pinned or certified it."
sed '/^deny-keys:/d' "$RATLS_SOURCE_DIR/policies/strict.yaml" >"$work/denies_none.yaml"
expect 1 "diff shows denied keys" "$ratls" policy diff "$work/denies_none.yaml" \
    "$RATLS_SOURCE_DIR/policies/strict.yaml"
has "new: deny-keys: '000bdeadbeef"
has "1 difference"
sed 's/^tls-key:.*/tls-key: any/' "$RATLS_SOURCE_DIR/policies/strict.yaml" >"$work/any_key.yaml"
expect 1 "diff shows where the TLS key must be" "$ratls" policy diff "$work/any_key.yaml" \
    "$RATLS_SOURCE_DIR/policies/strict.yaml"
has "tls-key"
expect 0 "explain where the TLS key must be" "$ratls" policy explain \
    "$RATLS_SOURCE_DIR/policies/strict.yaml"
has "The key of the TLS certificate must have been made in the TPM that attests"
expect 0 "explain an epoch" "$ratls" policy explain "$RATLS_SOURCE_DIR/policies/epoch.yaml"
has "at most 1 minute ago"
expect 0 "learn settings too" learn good --out "$work/all.yaml" --settings
[ -s "$work/all.settings.sha256" ] || fail "settings were not learned though they were asked for"
expect 0 "learn what is signed" learn good --out "$work/any.yaml" --signed-images
has "images: [signed]" "$work/any.yaml"

# What the machine must prove as a client.
client() { # client COMMAND... [OPTION]...
    # shellcheck disable=SC2046 # words
    "$ratls" policy "$@" $(from_local good good)
}
expect 0 "learn for a client" client learn --client-name "$name" --out "$work/app.yaml"
has "clients:" "$work/app.yaml"
lacks "servers:" "$work/app.yaml"
expect 0 "explain says so" "$ratls" policy explain "$work/app.yaml"
has "clients whose certificate names $name"
expect 0 "and it can be updated" client update "$work/app.yaml" --server-name "$name"
has "nothing to add"
expect 2 "for servers or for clients" client learn --client-name "$name" --server-name "$name"
has "exclude each other"
expect 2 "a client is learned on its machine" "$ratls" policy learn "$address:1" \
    --client-name "$name"
has "needs --local"
lacks "index: 14" "$work/any.yaml"
expect 0 "learn values" learn good --values
has "  - index: 0 # firmware: its code"
lacks "boot:"

# A package update: shown, then added, and then the machine is accepted.
reboot good kernel
cp "$policy" "$work/before.yaml"
expect 0 "update --dry-run" update good kernel --dry-run
has "+/vmlinuz-2 root=/dev/vda1 quiet"
has "+++ $work/bank.ima.sha256"
has "Would be added to 3 files"
lacks "vmlinuz-2" "$work/bank.command-lines.txt"
chmod 640 "$work/bank.files.sha256"
expect 0 "update" update good kernel
has "Added to 3 files"
[ "$(stat -c %a "$work/bank.files.sha256")" = 640 ] || fail "the mode of a list was changed"
cmp -s "$policy" "$work/before.yaml" || fail "update changed the policy itself"
has "linux /vmlinuz root=/dev/vda1 quiet" "$work/bank.command-lines.txt"
has "linux /vmlinuz-2 root=/dev/vda1 quiet" "$work/bank.command-lines.txt"
expect 0 "update once more" update good kernel
has "nothing to add"

# What is no update.
reboot good off
expect 1 "Secure Boot that is off is no update" update good off
has "Secure Boot is off, and $policy requires it"
boot_log stranger vendor "loader=loader 3"
ima_list stranger /usr/bin/ls=1
machine stranger
expect 1 "another machine is no update" update stranger stranger
has "is not trusted by $policy"
lacks "+++"
expect 2 "nor is one under another name" "$ratls" policy update "$policy" --local \
    --state "$work/state_stranger" --tcti "$tcti" --server-name other.test
has "does not speak for other.test"
# shellcheck disable=SC2046 # words
expect 0 "learn --into with another name, too" "$ratls" policy learn \
    $(from_local stranger stranger) --server-name other.test --into "$policy"
has "+  - 'other.test' # added from"
cp "$work/before.yaml" "$policy"
expect 0 "learn --into adds the machine" learn stranger --into "$policy"
has "+  - name: 000b"
has "WARNING: trust on first use"
expect 0 "and now it is trusted" update stranger stranger
has "nothing to add"
expect 0 "the policy is still one" "$ratls" policy lint "$work/all.yaml"

# The log does not lead to what was quoted: nothing of it is learned.
reboot stranger good
expect 1 "update with the log of another boot" update stranger evil
lacks "init=/bin/sh"
expect 0 "learn with the log of another boot" learn stranger --out "$work/stranger.yaml"
has "PCR 4: the boot log does not lead to the quoted value"
lacks "images" "$work/stranger.yaml"

# Logs in files, without a machine.
raw() {
    "$ratls" policy "$@" --boot-log "$work/signed.boot"
}
expect 2 "logs alone need a key" raw learn --out "$work/raw.yaml"
has "--ak-name"
expect 0 "learn from logs" raw learn --out "$work/raw.yaml" --ak-name "000b$(printf '%064d' 7)"
has "nobody vouches for these logs"
has "not authenticated" "$work/raw.images.sha256"
expect 0 "update from logs" raw update "$policy"
has "+# CN=Secure Boot of other"
has "nobody vouches for these logs"
expect 3 "an IMA list is no boot log" "$ratls" policy update "$policy" --boot-log "$work/good.ima"
expect 2 "nothing to learn from" "$ratls" policy update "$policy"
has "name one server"

# Files that are signed need no line, and any version of them is allowed.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ima.key" -out "$work/ima.pem" -days 30 \
    -subj "/CN=signer of files" 2>"$work/req.log"
keyid=$(openssl x509 -in "$work/ima.pem" -noout -ext subjectKeyIdentifier | tail -n 1 |
    tr -d ': \n' | tail -c 8)
boot_log signing vendor
ima_list signing /usr/bin/plain=1 "sign=$work/ima.key,$keyid" /usr/bin/signed=1
machine signing
policy=$work/signing.yaml
expect 0 "learn with the certificate of IMA" learn signing --ima-cert "$work/ima.pem" \
    --out "$policy"
has "signing.ima.sha256: 1 line"
has "/usr/bin/plain" "$work/signing.ima.sha256"
lacks "/usr/bin/signed" "$work/signing.ima.sha256"
has "signed-by" "$policy"
boot_log resigned vendor
ima_list resigned /usr/bin/plain=1 "sign=$work/ima.key,$keyid" /usr/bin/signed=2
reboot signing resigned
expect 0 "another version that is signed is no news" update signing resigned
has "nothing to add"
ima_list resigned /usr/bin/plain=1 /usr/bin/signed=3
reboot signing resigned
expect 0 "one that is not is" update signing resigned --dry-run
has "  /usr/bin/signed"
expect 2 "a certificate that is none" learn signing --ima-cert "$work/nonsense" \
    --out "$work/none.yaml"

# Values of PCRs are in the policy itself.
machine evil
expect 0 "learn values" learn evil --values --pcrs sha256:7,9 --out "$work/values.yaml"
policy=$work/values.yaml
reboot evil kernel
expect 0 "update of values" update evil kernel
has "-- $policy"
has "+      - "
expect 0 "update of values once more" update evil kernel
has "nothing to add"

# What nothing was measured into may not be added to unseen where images are not known one by one:
# shim that is told to let everything through says so in PCR 14.
machine bare
expect 0 "learn what is signed, without keys of the owner" learn bare --signed-images \
    --out "$work/bare.yaml"
has "  - index: 14" "$work/bare.yaml"
has "0000000000000000000000000000000000000000000000000000000000000000" "$work/bare.yaml"
policy=$work/bare.yaml
reboot bare good
expect 0 "keys of the owner are a change then" update bare good --dry-run
has "--- $policy"
has "+      - "
