#!/bin/sh
# A client that stays connected: the server proves itself again and again, and the client closes the
# connection within one renewal when the server's machine is not any more what it was, and says why.
. "$(dirname "$0")/lib.sh"
pid_of_client='' pid_of_example='' # start() sets them
need swtpm_ioctl tpm2_startup tpm2_shutdown curl
extend=$RATLS_BINARY_DIR/bin/extend_log
[ -x "$extend" ] || fail "extend_log is not built"
prepare
address=127.0.0.1 # of the example server
name=localhost
make_certificate server
port=$(free_port)
start_mux --delay-ms 1

# ---- a machine with a list of measured files, and a policy that renews

list=$work/ima
extended=0
measure() { # measure NAME: a program is run
    "$python" "$support/ima_list.py" "$list" add 1 "$1"
    extend_list
}
extend_list() {
    "$extend" --tcti "$tcti" --ima-list "$list" --ima-offset "$extended" >"$work/extend.log" 2>&1 ||
        fail "extend_log"
    extended=$(wc -c <"$list")
}
tpm2_pcrread -Q -T "$tcti" -o "$work/pcrs" sha256:0,1,2,3,4,5,6,7,8,9
"$python" "$support/ima_list.py" "$list" begin "$work/pcrs"
"$python" "$support/ima_list.py" "$list" allow 1 allowed >"$work/allowed.sha256"
extend_list
sed 's/server\.test/localhost/' "$work/policies/server.yaml" >"$work/localhost.yaml"
cat >>"$work/localhost.yaml" <<END
max-age: 4s
renew: 1s
ima:
  allow: [allowed.sha256]
END

serve() {
    start example "$RATLS_BINARY_DIR/bin/ratls-example-server" --state "$state" --port "$port" \
        --tcti "$tcti" --cert "$work/server.pem" --key "$work/server.key" --ima-list "$list"
    wait_until_listening example "$port"
}

hold() { # a client that stays; it has logged in and was renewed twice
    rm -f "$work/client.log" # of the one before: not to be taken for this one's
    start client "$RATLS_BINARY_DIR/bin/ratls-example-client" --policy "$work/localhost.yaml" \
        --ca "$work/server.pem" --hold localhost "$port"
    wait_for 20 renewed_twice || fail "the client was not renewed"
    has "HTTP/1.1 200" "$work/client.log"
    ok "a client holds the connection, and it is renewed"
}
renewed_twice() {
    ended "$pid_of_client" && fail "the client has ended"
    [ -e "$work/client.log" ] && [ "$(grep -c '^renewed at ' "$work/client.log")" -ge 2 ]
}

# The client ends, with 1, and not much later than one renewal (1 s) after that: its log says that
# it was for what a renewal showed. What a machine with other things to do needs comes on top.
closes_within() { # closes_within SECONDS WHAT
    begin=$(date +%s)
    wait_for 20 ended "$pid_of_client" || fail "$2: the client is still connected"
    took=$(($(date +%s) - begin))
    code=0
    wait "$pid_of_client" || code=$?
    [ "$code" -eq 1 ] || fail "$2: the client ended with $code"
    [ "$took" -le "$1" ] || fail "$2: closed after $took s"
    ok "$2: the client closes, with 1, after $took s"
}

serve
hold
measure allowed
renewals=$(grep -c '^renewed at ' "$work/client.log")
goes_on() {
    [ "$(grep -c '^renewed at ' "$work/client.log")" -ge $((renewals + 2)) ]
}
wait_for 20 goes_on || fail "not renewed after a file that is allowed"
ok "a program that is allowed is run: the connection goes on"

measure stranger
closes_within 10 "a program that is not allowed is run"
has "REFUSED" "$work/client.log"
has "ima.allow" "$work/client.log"
has "stranger" "$work/client.log"
stop example

# ---- other ends: each on a machine that is as it should be

restore() { # the machine boots again, with its list from the begin
    reboot
    : >"$list"
    "$python" "$support/ima_list.py" "$list" begin "$work/pcrs"
    extended=0
    extend_list
}
reboot() { # down in good order, so that its clock is safe when it comes back
    tpm2_shutdown -T "$tcti" -c || fail "tpm2_shutdown"
    swtpm_ioctl --unix "$work/tpm/sock.ctrl" -i >/dev/null || fail "the TPM cannot be reset"
    tpm2_startup -T "$tcti" -c || fail "the TPM does not start"
}

restore
serve
hold
extend_pcr 7
closes_within 10 "a PCR changes"
has "pcr.value" "$work/client.log"
has "[7]" "$work/client.log"
stop example

restore
serve
hold
kill -STOP "$pid_of_example" # it would meet a TPM that was not started yet
restore
kill -CONT "$pid_of_example"
closes_within 10 "the machine boots again"
has "quote.boot" "$work/client.log"
has "was started again" "$work/client.log"
stop example

# ---- a server that says nothing any more: not later than max-age (4 s) after the last challenge

restore
serve
hold
kill -STOP "$pid_of_example"
closes_within 12 "the server is silent"
has "in time" "$work/client.log"
kill -CONT "$pid_of_example"
stop example

# ---- several clients at a time, and one that does not know ratls

serve
hold
expect 0 "curl, as a plain client, sees the page" curl -sS --fail --cacert "$work/server.pem" \
    "https://localhost:$port/"
expect 0 "another client logs in meanwhile" "$RATLS_BINARY_DIR/bin/ratls-example-client" \
    --policy "$work/localhost.yaml" --ca "$work/server.pem" localhost "$port"
has "HTTP/1.1 200"
stop client
