#!/bin/sh
# The server's TLS key lies in the TPM too (tpm2-openssl), in the same one that attests.
. "$(dirname "$0")/lib.sh"
mux=$RATLS_BINARY_DIR/bin/tpm_mux
need curl nginx
find /usr/lib -path '*/ossl-modules/tpm2.so' | grep -q . || skip "tpm2-openssl is missing"
[ -x "$mux" ] || fail "tpm_mux is not built"
prepare

# tpm2-openssl keeps its connection, and swtpm serves one at a time: the multiplexer stands for the
# kernel's resource manager.
start mux "$mux" "$work/tpm/sock" "$work/mux"
wait_for 10 test -S "$work/mux" || fail "tpm_mux does not start"
chmod 666 "$work/mux" "$work/mux.ctrl"
tcti=swtpm:path=$work/mux
TPM2OPENSSL_TCTI=$tcti
export TPM2OPENSSL_TCTI

openssl genpkey -provider default -provider tpm2 -algorithm EC -pkeyopt group:P-256 \
    -out "$work/server.key" 2>"$work/genpkey.log"
grep -q 'TSS2 PRIVATE KEY' "$work/server.key" || fail "the key is not in the TPM"
openssl req -provider default -provider tpm2 -propquery '?provider=default' -x509 -new \
    -key "$work/server.key" -out "$work/server.pem" -days 30 -subj "/CN=$name" \
    -addext "subjectAltName=DNS:$name,IP:$address" 2>"$work/req.log"
chmod 644 "$work/server.key"
server_conf
cat >>"$work/server.cnf" <<CONF
tcti = $tcti
[ratls_providers]
tpm2 = tpm2
[tpm2]
activate = 1
CONF

use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" \
    -g 'daemon off; env TPM2OPENSSL_TCTI;'
wait_until_listening nginx "$port"
expect 0 "a client without ratls is served" plain_get
expect 0 "nginx with its key in the TPM is accepted" get
has welcome
expect 0 "and again" get
stop nginx

port=$(free_port)
start s_server env OPENSSL_CONF="$work/server.cnf" openssl s_server -accept "$address:$port" \
    -cert "$work/server.pem" -key "$work/server.key" -www
wait_until_listening s_server "$port"
expect 0 "s_server with its key in the TPM is accepted" get
extend_pcr 7
expect 35 "and refused after a PCR has changed" get
has pcr.value
