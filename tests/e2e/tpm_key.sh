#!/bin/sh
# The server's TLS key lies in the TPM too (tpm2-openssl), in the same one that attests.
. "$(dirname "$0")/lib.sh"
need curl nginx
find /usr/lib -path '*/ossl-modules/tpm2.so' | grep -q . || skip "tpm2-openssl is missing"
prepare

# tpm2-openssl keeps its connection, and swtpm serves one at a time.
start_mux --disarmed
TPM2OPENSSL_TCTI=$tcti
export TPM2OPENSSL_TCTI

openssl genpkey -provider tpm2 -propquery '?provider=tpm2' -algorithm EC \
    -pkeyopt group:P-256 \
    -out "$work/server.key" 2>"$work/genpkey.log"
grep -q 'TSS2 PRIVATE KEY' "$work/server.key" || fail "the key is not in the TPM"
openssl req -provider tpm2 -provider default -propquery '?provider=tpm2' -x509 -new \
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
[ratls_conf]
alg_section = properties
[properties]
default_properties = ?provider=tpm2,tpm2.digest!=yes,tpm2.cipher!=yes
CONF

use_example nginx.conf
# Workers would share the connection of tpm2-openssl that they inherit.
sed -i 's/^worker_processes .*/worker_processes 1;/' "$work/nginx.conf"
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
