#!/bin/sh
# A machine that has measured more than 5 000 files: its list no longer fits in a handshake. Clients
# fetch the rest beside it, with a state folder once and then what is new; and one program among so
# many is found.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
files=5000
# Its lists are too long for vectors, and who records asks a second time: here this is counted.
unset RATLS_RECORD

# ---- the machine, and a bank that knows these files

new_machine web
mkdir "$work/files"
"$python" - "$work/files" "$files" <<'PYTHON'
import pathlib, sys
for number in range(1, int(sys.argv[2]) + 1):
    pathlib.Path(sys.argv[1], f"{number:04}").write_text(f"account {number}\n")
PYTHON
{
    echo "mkdir /srv"
    for number in $(seq -w 1 19); do
        echo "$number" >"$work/files/late-$number"
    done
    for file in "$work/files/"*; do echo "write $file /srv/${file##*/}"; done
} >"$work/commands"
debugfs -w -f "$work/commands" "$work/web/root.ext4" >/dev/null 2>&1
printf '#!/bin/busybox sh\necho nobody sees me\n' >"$work/hidden"
put_file web /srv/hidden "$work/hidden"
(cd "$work/files" && sha256sum -- *) | sed 's|  |  /srv/|' >"$work/policies/accounts.sha256"
sed -i "s|^  allow:.*|&\n    - accounts.sha256|" "$policy"
boot_machine web

# ---- what a client costs: connections, bytes of the server, time

ledger=$work/ledger
mkdir "$ledger"
backend=$port_of_web
port_of_web=$(free_port)
start counter "$python" "$support/count_bytes.py" "$address" "$port_of_web" "$backend" \
    "$work/counted"
wait_until_listening counter "$port_of_web"

milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}
begin_count() {
    : >"$work/counted"
    began=$(milliseconds)
}
end_count() { # end_count WHAT: $connections and $bytes since begin_count
    took=$(($(milliseconds) - began))
    connections=$(grep -c '^connection' "$work/counted")
    bytes=$(awk '/^connection/ {ours[$2] = 1}
        /^received/ && $2 in ours {sum += $3} END {print sum + 0}' "$work/counted")
    first=$(awk '/^connection/ && !first {first = $2}
        /^received/ && $2 == first {sum += $3} END {print sum + 0}' "$work/counted")
    echo "   $1: $first bytes in the handshake, $((bytes - first)) beside it in" \
        "$((connections - 1)) further connections, $took ms"
}
one_connection() { # one_connection BYTES: and no more of the server
    [ "$connections" -eq 1 ] || fail "it needed $connections connections"
    [ "$bytes" -le "$1" ] || fail "the server sent $bytes bytes, more than $1"
    ok "... in one connection of at most $1 bytes"
}
some_connections() {
    [ "$connections" -gt 1 ] || fail "the whole list cannot have come in one connection"
    [ "$bytes" -gt $((files * 90)) ] || fail "the list has more than $bytes bytes"
    [ "$first" -lt 70000 ] || fail "the handshake has $first bytes"
    ok "... with the rest of the list beside the handshake"
}
said_entries() { # said_entries NUMBER...: of the list, and how many of them are new
    has "$1 entries do, $2 of them are new"
}
count_entries() {
    in_guest web "cat /sys/kernel/security/ima/runtime_measurements_count"
}

begin_count
accepted web "the machine as it has booted is accepted"
end_count "the short list"
one_connection 16000

began=$(milliseconds)
in_guest web 'cat /srv/[0-9]* >/dev/null' || fail "the guest cannot read its files"
echo "   $files files are measured in $(($(milliseconds) - began)) ms"
entries=$(count_entries)
[ "$entries" -gt "$files" ] || fail "the kernel has measured $entries files, not more than $files"
ok "the kernel has measured $entries files"

# ---- accepted

begin_count
accepted web "a client without a state folder accepts it"
end_count "without a state folder"
some_connections
said_entries "$entries" "$entries"

begin_count
accepted web "a client with a state folder accepts it" --state "$ledger"
end_count "the first time"
some_connections
said_entries "$entries" "$entries"
begin_count
accepted web "and the second time" --state "$ledger"
end_count "the second time"
one_connection 12000
said_entries "$entries" 0

in_guest web 'cat /srv/late-0* >/dev/null' || fail "the guest cannot read its files"
begin_count
accepted web "and with nine files more" --state "$ledger"
end_count "nine files later"
one_connection 12000
said_entries $((entries + 9)) 9

cp "$images/server.pem" "$work/"
client_conf
printf 'state = %s\n' "$ledger" >>"$work/client.cnf"
port=$port_of_web
begin_count
expect 0 "so does an unmodified curl with this folder" get
end_count "curl"
one_connection 12000

# ---- one program that nobody knows, among all these

in_guest web "/srv/hidden && cat /srv/late-1* >/dev/null" >"$work/guest.log" || fail "/srv/hidden"
hidden="ima-list[$((entries + 10))]"
begin_count
refused web "one unknown program is found" ima.allow /srv/hidden "$hidden" -- --state "$ledger"
end_count "refused, with the folder"
one_connection 12000
refused web "also the next time" ima.allow /srv/hidden "$hidden" -- --state "$ledger"
begin_count
refused web "and by a client without a state folder" ima.allow /srv/hidden "$hidden"
end_count "refused, without a folder"
some_connections
expect 35 "curl refuses the machine" get
has /srv/hidden
stop counter
good_again web
