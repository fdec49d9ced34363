#!/bin/sh
# An attacker who is root in the guest gives the agent other logs than the kernel's: lists without
# his program, and the boot log of a better boot. The TPM's registers do not fit them.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
list=/sys/kernel/security/ima/binary_runtime_measurements
boot_log=/sys/kernel/security/tpm0/binary_bios_measurements

stop_agent="killall ratlsd; while pidof ratlsd >/run/pid; do sleep 0.1; done; rm -rf /run/ratls"
# The agent opens its logs when it starts. What lies on /run is in no list itself.
serve_log() { # serve_log KERNEL_FILE DOCTORED: over what the kernel says
    in_guest web "$stop_agent; for log in $1*; do mount --bind $2 \$log; done; start-agent"
}
serve_true_log() { # serve_true_log KERNEL_FILE
    in_guest web "$stop_agent; for log in $1*; do umount \$log; done; start-agent"
}
# By who allows what has run there: what was refused is the other list, and nothing else.
serve_accepted_list() {
    serve_true_log "$list"
    accepted web "... and the kernel's own is accepted by that policy" \
        --policy "$work/lenient/bank.yaml"
}

new_machine web
boot_machine web
accepted web "the machine is accepted"

# ---- the list of measured files: his program, and another behind it

in_guest web "cat $list >/run/before"
run_script web /var/spy 'echo spying'
in_guest web "cat $list >/run/spied"
in_guest web "cp /bin/unsigned-program /var/work && /var/work && cat $list >/run/all"
refused web "an attacker's program has run" ima.allow /var/spy
cp -r "$work/policies" "$work/lenient"
expect 0 "somebody else allows what ran there" "$ratls" policy update "$work/lenient/bank.yaml" \
    "$address:$port" --server-name "$name"

serve_log "$list" /run/before
refused web "a list that ends before his program" ima.replay \
    "entries that lead to PCR 10" "nothing in the list is authenticated"
in_guest web "{ cat /run/before && tail -c +\$((\$(wc -c </run/spied) + 1)) /run/all; } >/run/cut"
serve_accepted_list
serve_log "$list" /run/cut
refused web "a list without his program, and with all that ran behind it" ima.replay \
    "entries that lead to PCR 10" "nothing in the list is authenticated"
in_guest web "sed 's|/var/spy|/bin/tar|' /run/all >/run/renamed"
serve_accepted_list
serve_log "$list" /run/renamed
refused web "a list in which his program has another name" ima.entry \
    "the digest of its data: nothing in the list is authenticated"
serve_accepted_list
refused web "the kernel's own list still names it" ima.allow /var/spy

# ---- the boot log: in other words, and that of the boot before

in_guest web "gzip -c $boot_log | base64 | tr -d '\\n'" >"$work/boot-log"
good_again web
halt_machine web
make_disk web --command-line "$(echo "$command_line" | sed 's/quiet/debug/')"
boot_machine web
refused web "another command line" "boot.command-line boot.files" "ima_hash=sha256 debug"
in_guest web "sed 's/ debug/ quiet/g' $boot_log >/run/other-words"
serve_log "$boot_log" /run/other-words
refused web "a boot log with the command line in other words" \
    "boot.command-line boot.files" "(unauthenticated: grub_cmd: linux /vmlinuz"
serve_true_log "$boot_log"
in_guest web "echo $(cat "$work/boot-log") | base64 -d | gzip -d >/run/before"
serve_log "$boot_log" /run/before
refused web "the boot log of the boot before" boot.replay "pcrs.sha256[8]" \
    "what the log says is not authenticated"
good_again web
