#!/bin/sh
# A list of measured files that does not fit in the handshake: unmodified clients fetch the rest of
# it beside, remember it, and refuse what is not allowed; `ratls sync` fetches ahead.
. "$(dirname "$0")/lib.sh"
need nginx curl tpm2_pcrread
extend=$RATLS_BINARY_DIR/bin/extend_log
[ -x "$extend" ] || fail "extend_log is not built"
prepare

# ---- a machine with a list, and a policy that allows it

list=$work/ima
extended=0
measure() { # measure COUNT NAME: files that were run
    "$python" "$support/ima_list.py" "$list" add "$1" "$2"
    extend_list
}
allow() { # allow COUNT NAME: in the policy, before any of these were run
    "$python" "$support/ima_list.py" "$list" allow "$1" "$2" >>"$work/allowed.sha256"
}
extend_list() {
    "$extend" --tcti "$tcti" --ima-list "$list" --ima-offset "$extended" >"$work/extend.log" 2>&1 ||
        fail "extend_log"
    extended=$(wc -c <"$list")
}
tpm2_pcrread -Q -T "$tcti" -o "$work/pcrs" sha256:0,1,2,3,4,5,6,7,8,9
"$python" "$support/ima_list.py" "$list" begin "$work/pcrs"
allow 400 first
allow 10 second
allow 200 third
extend_list
measure 400 first
cp "$work/policies/server.yaml" "$work/without.yaml"
cat >>"$work/policies/server.yaml" <<END
ima:
  allow: [../allowed.sha256]
END
printf 'boot-log = none\nima-list = %s\n' "$list" >>"$work/server.cnf"

ledger=$work/ledger
mkdir "$ledger"
printf 'state = %s\n' "$ledger" >>"$work/client.cnf"
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
start_recorder

connections() { # a ClientHello is the one record of a client that is not encrypted
    grep -c '^22 ' "$work/records" || true
}
expect_connections() { # expect_connections OPERATOR NUMBER WHAT
    test "$(connections)" "$1" "$2" || fail "$3: $(connections) connections"
    ok "$3: $(connections) connections"
}
talk() { # s_client sends a line with the secret
    printf 'GET /%s HTTP/1.0\r\n\r\n' "$secret" | OPENSSL_CONF=$work/client.cnf timeout 60 \
        openssl s_client -connect "$address:$port" -servername "$name" -CAfile "$work/server.pem" \
        -quiet -no_ign_eof >"$work/output.log" 2>&1
}
sync_list() { # sync_list [OPTION...]
    "$ratls" sync "$address:${sync_port:-$port}" --server-name "$name" --ca "$work/server.pem" \
        --policy "$work/policies" --state "$ledger" "$@"
}
forget_list() {
    rm -f "$ledger"/*
    forget_records
}

# ---- what clients do by themselves

forget_records
expect 0 "curl fetches what does not fit" get
expect_connections -ge 5 "the first time"
forget_records
expect 0 "curl knows the list" get
expect_connections -eq 1 "the second time"
measure 10 second
forget_records
expect 0 "curl asks for what is new" get
expect_connections -eq 1 "after ten files more"
measure 200 third
forget_records
talk || fail "s_client did not accept the server"
ok "s_client fetches what does not fit"
expect_connections -ge 2 "with two hundred files more"
forget_records
talk || fail "s_client did not accept the server"
expect_connections -eq 1 "s_client knows the list"

forget_list
get --http1.1 >"$work/first.out" 2>&1 &
pids="$pids $!"
first=$!
expect 0 "two curls at once on one folder: the one" get
wait "$first" || fail "two curls at once: $(cat "$work/first.out")"
ok "... and the other"
forget_records
expect 0 "curl knows the list" get
expect_connections -eq 1 "after the two"

# `ratls exec` with the folder, and without: then each run begins anew.
through_exec() { # through_exec [OPTION...]
    "$ratls" exec --policy "$work/policies" --module "$module" "$@" -- curl --silent --show-error \
        --fail --cacert "$work/server.pem" --resolve "$name:$port:$address" "https://$name:$port/"
}
forget_records
expect 0 "curl by ratls exec, with the folder" through_exec --state "$ledger"
expect_connections -eq 1 "it knows the list"
forget_records
expect 0 "... and without it" through_exec
expect_connections -ge 5 "it does not"
expect 3 "ratls exec looks at the folder before" through_exec --state "$work/missing"
has "$work/missing"

# A program that lives through a change of its policy: each connection has an SSL_CTX of its own.
cat >"$work/client.py" <<'PYTHON'
import os, socket, ssl, sys

address, port, name, ca, policy = sys.argv[1:6]
for _ in range(2):
    context = ssl.create_default_context(cafile=ca)
    with socket.create_connection((address, int(port)), timeout=30) as connection:
        context.wrap_socket(connection, server_hostname=name).close()
    os.utime(policy, (1, 1))
PYTHON
forget_list
expect 0 "Python connects twice, by a policy that is loaded twice" verifying "$python" \
    "$work/client.py" "$address" "$port" "$name" "$work/server.pem" "$work/policies/server.yaml"
twice=$(connections)
forget_list
expect 0 "ratls sync" sync_list
[ "$twice" -eq $(($(connections) + 1)) ] || fail "it fetched the list twice: $twice connections"
ok "it fetched the list once: $twice connections"

# ---- ahead of clients

forget_list
expect 0 "ratls sync" sync_list --json
"$python" - "$work/output.log" <<'PYTHON' || fail "the JSON of ratls sync"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["kind"] == "sync" and d["accepted"], d
assert d["list"]["entries"] == d["list"]["newEntries"] == 611, d
assert d["list"]["violations"] == 0 and d["list"]["furtherRequests"] >= 8, d
PYTHON
ok "... says what it fetched"
forget_records
expect 0 "again" sync_list
has "UP TO DATE"
expect_connections -eq 1 "it is up to date"
expect 0 "a client without a socket of its own would do now" get

# Killed in the middle, and again: what was fetched is kept.
is_under_way() {
    [ "$(connections)" -ge 4 ]
}
sync_and_kill() { # false if it was done before
    forget_list
    start sync "$ratls" sync "$address:$port" --server-name "$name" --ca "$work/server.pem" \
        --policy "$work/policies" --state "$ledger"
    wait_for 20 is_under_way || fail "ratls sync makes no connections"
    # shellcheck disable=SC2154 # set by start
    kill -KILL "$pid_of_sync" 2>/dev/null || true
    ! wait "$pid_of_sync"
}
tries=10
until sync_and_kill; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "ratls sync was always done before it could be killed"
done
ok "ratls sync is killed after $(connections) connections"
forget_records
expect 0 "the next one ends" sync_list --json
expect_connections -lt 8 "it goes on where the other was"
"$python" -c 'import sqlite3, sys
sys.exit(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone() != ("ok",))
' "$ledger/verifier.sqlite" || fail "the ledger is broken"
ok "the ledger is whole"

# A server that has given up on the handshake when all is there.
forget_list
sync_port=$(free_port)
start impatient "$python" "$support/impatient.py" "$address" "$sync_port" "$backend"
wait_until_listening impatient "$sync_port"
expect 0 "ratls sync connects once more to a server without patience" sync_list --json
"$python" -c 'import json, sys
sys.exit(json.load(open(sys.argv[1]))["list"]["furtherRequests"] < 8)' "$work/output.log" ||
    fail "it did not fetch by itself"
sync_port=

# By a proxy no connection beside can be made; the list must be known.
proxy_port=$(free_port)
start proxy "$python" "$support/connect_proxy.py" "$address" "$proxy_port"
wait_until_listening proxy "$proxy_port"
expect 0 "curl by a proxy, with a list that is known" get --proxy "http://$address:$proxy_port"
forget_list
expect 35 "... and with one that is not" get --proxy "http://$address:$proxy_port"
has "run \`ratls sync\` ahead"

# ---- captures are complete, whatever is known

expect 0 "ratls sync" sync_list
expect 0 "ratls probe --save" "$ratls" probe "$address:$port" --server-name "$name" \
    --ca "$work/server.pem" --policy "$work/policies" --state "$ledger" --save "$work/capture"
expect 0 "ratls verify appraises it" "$ratls" verify "$work/capture" --policy "$work/policies"
sed 's/^ima:$/&\n  deny: [..\/denied.sha256]/' "$work/policies/server.yaml" >"$work/back.yaml"
mkdir "$work/other"
cp "$work/back.yaml" "$work/other/server.yaml"
sed -n 500p "$work/allowed.sha256" >"$work/denied.sha256"
expect 1 "... by another policy" "$ratls" verify "$work/capture" --policy "$work/other"
has "ima-list[501]"

# ---- refused

measure 1 evil
forget_records
expect 35 "curl refuses a file that is not allowed" get
has ima.allow
has /usr/evil
only_an_alert_left
if talk; then fail "s_client went on after a refusal"; fi
ok "s_client refuses it"
expect 1 "ratls sync refuses it" sync_list
has /usr/evil
expect 2 "ratls sync without \`ima\` in the policy" sync_list --policy "$work/without.yaml"
has "nothing to bring up to date"

# ---- a state folder that does not work

chmod 777 "$ledger"
expect 35 "curl refuses a folder to which everyone may write" get
has "$ledger"
expect 2 "... and so does ratls sync" sync_list
chmod 755 "$ledger"
sed -i "s|^state = $ledger|state = $work/missing|" "$work/client.cnf"
expect 35 "curl refuses to work without its state folder" get
has "$work/missing"
expect 3 "... and so does ratls sync" sync_list --state "$work/missing"
