#!/bin/sh
# docs/identity.md: a new TLS key in the TPM. Old and new one are good until the server has changed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"
find /usr/lib -path '*/ossl-modules/tpm2.so' | grep -q . || skip "tpm2-openssl is missing"

make_page_ca
make_page_server
echo "tls-key: tpm" >>"$work/policies/all.yaml"
expect 35 "a TLS key in a file is none of the TPM" ask www www.bank.example
has tls-key.present
stop web_www

# tpm2-openssl keeps its connection, and swtpm serves one at a time; nor can workers share one.
mux_of www
TPM2OPENSSL_TCTI=$tcti
export TPM2OPENSSL_TCTI
sed -i -e 's/^worker_processes .*/worker_processes 1; env TPM2OPENSSL_TCTI;/' \
    -e "s|$work/www\\.|$ca/www.|" "$work/www.conf"
sed -i '/^tcti = /d' "$work/www.cnf"
cat >>"$work/www.cnf" <<END
tcti = $tcti
[ratls_providers]
tpm2 = tpm2
[tpm2]
activate = 1
[ratls_conf]
alg_section = properties
[properties]
default_properties = ?provider=tpm2,tpm2.digest!=yes,tpm2.cipher!=yes
END

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -keyout "$work/web-ca.key" -out "$work/www.pem" -subj "/CN=a CA of the web" 2>"$work/req.log"
certify() { # certify KEY: what the CA of the web makes of KEY.csr
    openssl x509 -req -in "$desk/$1.csr" -CA "$work/www.pem" -CAkey "$work/web-ca.key" -days 30 \
        -copy_extensions copy -out "$ca/$1.pem" 2>"$work/x509.log" || fail "no certificate"
    chmod 644 "$ca/$1.key"
}

# The first one, by the same commands.
quietly "$ratls" init --state "$work/www.state" --tls-key tpm --tls-key-out "$ca/www.key"
section "A new TLS key" | sed -n 's/^    www# \(openssl .*\)/\1/p' | sed 's/www2/www/g' | here www |
    env -C "$desk" sh 2>"$work/req.log" || fail "openssl req"
certify www
start_web www
expect 0 "a TLS key of the TPM" ask www www.bank.example
has welcome

steps "A new TLS key" 1 2
certify www2
expect 0 "the old key, beside the new one" ask www www.bank.example
steps "A new TLS key" 3 4
expect 0 "the new key" ask www www.bank.example
has welcome
grep -q "$ca/www2.key" "$work/www.conf" || fail "nginx has no other key"
sed -i 's|/www2\.|/www.|' "$work/www.conf"
step www "systemctl reload nginx"
expect 0 "and back: both are good" ask www www.bank.example
