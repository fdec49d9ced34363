#!/bin/sh
# An unmodified HAProxy demands evidence of its clients, by openssl.cnf alone: with certificates
# that it verifies; and without wanting any, with callbacks of its own where ours are.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/mutual_lib.sh"
need haproxy curl
prepare
prepare_client app.test
demand_clients
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
backend=$(free_port)
use_haproxy
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
wait_until_listening backend "$backend"
cp "$work/haproxy.cfg" "$work/plain.cfg"
sed -i "s|server-and-key.pem|& verify required ca-file $work/app.pem|" "$work/haproxy.cfg"

serve() {
    start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
    wait_until_listening haproxy "$port"
}

refuses_strangers() {
    expect failure "a client without ratls is refused" certified_get --user-agent stranger
    has "client REFUSED  app.test: evidence.present" "$work/haproxy.log"
    expect failure "so is one without a certificate" plain_get
    expect failure "so is one that verifies and does not attest" get --user-agent stranger \
        --cert "$work/app.pem" --key "$work/app.key"
    expect failure "so is TLS 1.2" certified_get --user-agent stranger --tls-max 1.2
    lacks stranger "$work/requests"
}

serve
expect 0 "HAProxy accepts curl, which accepts HAProxy" attesting_get --user-agent before
has welcome
has before "$work/requests"
refuses_strangers
stop haproxy

# It wants no certificates, and sets both callbacks: info always, keylog for its logs.
cp "$work/plain.cfg" "$work/haproxy.cfg"
sed -i 's|^global|&\n    tune.ssl.keylog on|' "$work/haproxy.cfg"
cp "$work/clients/app.yaml" "$work/app.yaml"
# Of a certificate that was not verified no name counts.
sed -i "s/'app\.test'/'*'/" "$work/clients/app.yaml"
serve
expect 0 "with keylog, and without wanting certificates, it accepts curl" attesting_get \
    --user-agent keylog
has welcome
expect failure "and refuses a client without ratls" certified_get --user-agent stranger
has "evidence.present" "$work/haproxy.log"
expect failure "and one without a certificate" plain_get
expect failure "and TLS 1.2" certified_get --user-agent stranger --tls-max 1.2
lacks stranger "$work/requests"
stop haproxy

cp "$work/plain.cfg" "$work/haproxy.cfg"
sed -i "s|server-and-key.pem|& verify required ca-file $work/app.pem|" "$work/haproxy.cfg"
cp "$work/app.yaml" "$work/clients/"
serve
extend_client 7
expect failure "curl is refused after a PCR of its machine has changed" attesting_get \
    --user-agent after
has "client REFUSED  app.test: pcr.value" "$work/haproxy.log"
use_other_client
expect failure "a machine whose key is not enrolled is refused" attesting_get --user-agent after
has "client REFUSED  app.test: ak.trust" "$work/haproxy.log"
lacks after "$work/requests"
