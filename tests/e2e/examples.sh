#!/bin/sh
# The two example programs: the library in a server and in a client.
. "$(dirname "$0")/lib.sh"
prepare
address=127.0.0.1 # of the example server
make_certificate server
port=$(free_port)
start example "$RATLS_BINARY_DIR/bin/ratls-example-server" --state "$state" --port "$port" \
    --cert "$work/server.pem" --key "$work/server.key"
wait_until_listening example "$port"
# The client looks the name up itself: "localhost" is the only one that needs no DNS.
name=localhost
sed 's/server\.test/localhost/' "$work/policies/server.yaml" >"$work/localhost.yaml"

log_in() {
    "$RATLS_BINARY_DIR/bin/ratls-example-client" --policy "$work/localhost.yaml" \
        --ca "$work/server.pem" localhost "$port"
}

make_certificate server
stop example
start example "$RATLS_BINARY_DIR/bin/ratls-example-server" --state "$state" --port "$port" \
    --cert "$work/server.pem" --key "$work/server.key"
wait_until_listening example "$port"
start_recorder

expect 0 "the client verifies and logs in" log_in
has ACCEPTED
has "HTTP/1.1 200"
expect 0 "curl, as a plain client, sees the page" curl -sS --fail --cacert "$work/server.pem" \
    "https://localhost:$port/"
extend_pcr 7
forget_records
expect 1 "the client refuses after a PCR has changed" log_in
has REFUSED
has pcr.value
lacks "HTTP/1.1"
# The evidence came behind the server's Finished: so the client's own has left (53 or 69 bytes, by
# the hash), then the last frame, which says that it refused (22), and close_notify (19).
all_is_recorded
if grep -vE '^(begin|22 [0-9]+|20 1|23 (53|69|22|19)|end)$' "$work/records"; then
    fail "the client sent more than its handshake and its refusal"
fi
[ "$(grep -c '^23 ' "$work/records")" -eq 3 ] || fail "the client sent other records"
ok "... and only its handshake and its refusal left the client"
