#!/bin/sh
# `ratls probe` and `ratls policy learn` with real servers: what they accept, refuse, keep, and that
# nothing is ever sent.
. "$(dirname "$0")/lib.sh"
need swtpm tpm2_pcrextend openssl "$python"
start_tpm tpm
init_machine state
make_certificate server
server_conf
port=$(free_port)
start_python_server attested
policy=$work/learned.yaml
server=$address:$port

is_json() { # is_json EXPRESSION: the output is one JSON document, d, of which it holds
    "$python" -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$work/output.log" "$1" || fail "not JSON, or not: $1"
    ok "... as JSON, with $1"
}
probe() {
    "$ratls" probe "$server" --server-name "$name" --timeout 10 "$@"
}
trusting() {
    probe --policy "$policy" --ca "$work/server.pem" "$@"
}
learn() {
    "$ratls" policy learn "$server" --server-name "$name" "$@"
}

expect 1 "without a policy nothing is accepted" probe
has "NOT APPRAISED: no policy"
has "ratls policy learn $server"
expect 1 "... nor with --json" probe --json
is_json 'd["verdict"] == "not-appraised" and not d["accepted"] and \
d["evidence"]["quote"]["isQuote"]'

expect 0 "learn" learn --out "$policy"
has "WARNING: trust on first use"
expect 0 "the server is accepted" trusting --save "$work/capture"
has "ACCEPTED"
has "TLSv1.3"
expect 0 "... and with --json" trusting --json
is_json 'd["accepted"] and d["report"]["accepted"] and d["connection"]["version"] == "TLSv1.3"'
expect 1 "an unknown authority refuses the certificate" probe --policy "$policy"
has "the certificate is refused: self-signed certificate"
expect 0 "--insecure-no-pki trusts the evidence alone" probe --policy "$policy" --insecure-no-pki
expect 2 "the policy does not speak for another name" "$ratls" probe "$server" \
    --server-name other.test --policy "$policy" --insecure-no-pki
expect 0 "learn other PCRs" learn --pcrs sha256:7,10+sha384:0 --out "$work/other.yaml"
has "warning: only zeros: nothing was measured into PCR 7"
has "warning: so it is with 2 more PCRs"
expect 0 "the policy names these" "$ratls" show --json "$work/other.yaml"
is_json '[(p["bank"], p["index"]) for p in d["policies"][0]["pcrs"]] == \
[("sha256", 7), ("sha256", 10), ("sha384", 0)]'

extend_pcr 15
expect 0 "learn what something was measured into, and what not" learn --pcrs sha256:14,15 \
    --out "$work/zeros.yaml"
has "warning: only zeros: nothing was measured into PCR 14 (shim: certificates of the machine's"
lacks "PCR 15"
expect 1 "lint has the same words" "$ratls" policy lint "$work/zeros.yaml"
has "only zeros: nothing was measured into PCR 14 (shim: certificates of the machine's"
lacks "measured into PCR 15"

# What was kept is appraised again, without the server.
verify() {
    "$ratls" verify "$work/capture" --policy "$policy" "$@"
}
expect 0 "verify accepts the capture" verify
has "A dry run on a handshake of"
expect 2 "... not for another name" verify --server-name other.test
expect 0 "show the capture" "$ratls" show --json "$work/capture"
is_json "d['client']['serverName'] == '$name' and d['client']['nonce'] == \
d['evidence']['statement']['nonce']"
"$python" -c 'import sys
capture = open(sys.argv[1], "rb").read()
nonce = bytes.fromhex(sys.argv[2])
assert capture.count(nonce) == 2
open(sys.argv[3], "wb").write(capture.replace(nonce, bytes(31) + b"\1", 1))' "$work/capture" \
    "$("$python" -c 'import json, sys
print(json.load(open(sys.argv[1]))["client"]["nonce"])' "$work/output.log")" "$work/forged"
expect 1 "a capture with another nonce is refused" "$ratls" verify "$work/forged" \
    --policy "$policy" --json
is_json '[c["name"] for c in d["checks"] if c["verdict"] == "fail"] == ["statement.nonce"]'

extend_pcr 7
expect 1 "the server is refused after a PCR has changed" trusting
has "REFUSED"
has "pcr.value"
expect 0 "the capture stays what it was" verify
[ ! -s "$work/received" ] || fail "probe or learn sent something"
ok "nothing was ever sent"
stop python

# Servers from which nothing can be learned.
start_python_server plain
expect 1 "no evidence is refused" trusting
has "evidence.present"
expect 1 "no evidence, no policy" probe
has "NOT APPRAISED: the server sent no evidence"
expect 1 "nothing is learned without evidence" learn --out "$work/none.yaml"
has "sent no evidence"
expect 3 "nothing is kept without evidence" trusting --save "$work/none"
if [ -e "$work/none.yaml" ] || [ -e "$work/none" ]; then fail "a file was written"; fi
stop python

start_python_server attested server --tls12
expect 3 "TLS 1.2 is not enough" trusting
has "does not speak TLS 1.3"
stop python

start trickle "$python" -c 'import socket, sys, time
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    connection, _ = listener.accept()
    try:
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            connection.sendall(b"\x02")
            time.sleep(0.2)
    except OSError:
        pass' "$address" "$port"
wait_until_listening trickle "$port"
before=$(date +%s)
expect 3 "a server that only trickles" "$ratls" probe "$server" --timeout 2
[ $(($(date +%s) - before)) -lt 10 ] || fail "--timeout 2 took longer than 10 s"
stop trickle
expect 3 "nobody there" trusting
has "Connection refused"
