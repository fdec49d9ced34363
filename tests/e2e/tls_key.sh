#!/bin/sh
# The server's TLS key lies in the TPM that attests, and the client wants that (tls-key: tpm): an
# unmodified nginx with tpm2-openssl and a key that `ratls init` made. A key in a file is refused,
# and while a new key follows the old one both are accepted.
. "$(dirname "$0")/lib.sh"
need curl nginx
find /usr/lib -path '*/ossl-modules/tpm2.so' | grep -q . || skip "tpm2-openssl is missing"
prepare

# tpm2-openssl keeps its connection, and swtpm serves one at a time.
start_mux --disarmed
TPM2OPENSSL_TCTI=$tcti
export TPM2OPENSSL_TCTI

# As the text of ratls init says it; a CA of the web would sign the request.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" \
    -out "$work/server.pem" -days 30 -subj "/CN=a CA of the web" \
    -addext basicConstraints=critical,CA:TRUE 2>"$work/ca.log"
certify() { # certify FILE [OPTION...]: FILE.crt for the key in FILE.key
    file=$1
    shift
    openssl req "$@" -new -key "$work/$file.key" -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -out "$work/$file.csr" 2>"$work/$file.log" ||
        fail "openssl req with $file.key"
    openssl x509 -req -in "$work/$file.csr" -CA "$work/server.pem" -CAkey "$work/ca.key" -days 30 \
        -copy_extensions copy -out "$work/$file.crt" 2>"$work/$file.log" ||
        fail "openssl x509 for $file"
}
certify_in_tpm() {
    certify "$1" -provider tpm2 -provider default -propquery '?provider=tpm2'
}
make_tls_key() { # make_tls_key FILE
    "$ratls" init --state "$state" --tcti "$tcti" --tls-key tpm --tls-key-out "$work/$1.key" \
        >"$work/init-$1.log" 2>&1 || fail "ratls init --tls-key tpm"
    chmod 644 "$work/$1.key"
}
make_tls_key first
has "openssl req -provider tpm2" "$work/init-first.log"
has "ssl_certificate_key $work/first.key" "$work/init-first.log"
lacks "Made an attestation key" "$work/init-first.log"
grep -q 'TSS2 PRIVATE KEY' "$work/first.key" || fail "the key is not in the TPM"
certify_in_tpm first
openssl ecparam -genkey -name prime256v1 -noout -out "$work/file.key"
chmod 644 "$work/file.key"
certify file
expect 0 "a key in words for programs" "$ratls" init --state "$state" --tcti "$tcti" \
    --tls-key tpm --tls-key-out "$work/spare.key" --json
has "\"tlsKey\": \"$work/spare.key\""
expect 0 "the keys are certified again" "$ratls" init --state "$state" --tcti "$tcti" \
    --tls-key certify
has "certified the keys for TLS in $state/tls-keys again"
expect 2 "a word that is none" "$ratls" init --state "$state" --tls-key file
has "neither tpm nor certify"
expect 2 "a key is not replaced" "$ratls" init --state "$state" --tcti "$tcti" --tls-key tpm \
    --tls-key-out "$work/first.key"
has "--tls-key-out"
for proof in "$state"/tls-keys/*.cbor; do
    expect 0 "ratls show explains the proof" "$ratls" show "$proof"
    has "is a certification"
done

server_conf
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
cp "$work/server.cnf" "$work/file.cnf"
cat >>"$work/server.cnf" <<CONF
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
cp "$work/nginx.conf" "$work/nginx.template"
use_key() { # use_key FILE
    sed -e "s|^\( *ssl_certificate \).*|\1$work/$1.crt;|" \
        -e "s|^\( *ssl_certificate_key \).*|\1$work/$1.key;|" "$work/nginx.template" \
        >"$work/nginx.conf"
    grep -q "$work/$1.key" "$work/nginx.conf" || fail "the example has no key"
}
serve() { # serve FILE [CONFIGURATION]
    use_key "$1"
    start nginx env OPENSSL_CONF="$work/${2:-server}.cnf" nginx -c "$work/nginx.conf" \
        -g 'daemon off; env TPM2OPENSSL_TCTI;'
    wait_until_listening nginx "$port"
}
want_tpm() {
    printf 'tls-key: tpm\n' >>"$work/policies/server.yaml"
}

serve first
expect 0 "a client without ratls is served" plain_get
expect 0 "a client that does not ask where the key is accepts" get
want_tpm
expect 0 "a client that wants the key in the TPM accepts" get
has welcome
expect 0 "and again, when the attestation key is known" get
expect 0 "so does the tool" "$ratls" probe "$address:$port" --server-name "$name" \
    --ca "$work/server.pem" --policy "$work/policies" --save "$work/now.capture"
has tls-key.attributes
expect 0 "the capture has the proof" "$ratls" verify --policy "$work/policies" "$work/now.capture"
expect 0 "ratls show explains it" "$ratls" show "$work/now.capture"
has "Proof that the TLS key is in the TPM"
stop nginx

# The same machine, its attestation key in the same TPM; only the TLS key can be elsewhere, too.
port=$(free_port)
use_example nginx.conf
sed 's/^worker_processes .*/worker_processes 1;/' "$work/nginx.conf" >"$work/nginx.template"
serve file file
expect 35 "a key in a file is refused" get
has tls-key.present
has "ratls init --tls-key tpm"
expect 0 "a client without ratls is served by it" plain_get
stop nginx

# Roll-over: the new key is there before its certificate; a reload takes it.
port=$(free_port)
use_example nginx.conf
sed 's/^worker_processes .*/worker_processes 1;/' "$work/nginx.conf" >"$work/nginx.template"
make_tls_key second
certify_in_tpm second
serve first
expect 0 "the old key is accepted beside the new one" get
use_key second
reload HUP nginx
openssl s_client -connect "$address:$port" -servername "$name" </dev/null 2>/dev/null |
    openssl x509 -pubkey -noout >"$work/served.pub" 2>/dev/null
openssl x509 -in "$work/second.crt" -pubkey -noout | cmp -s - "$work/served.pub" ||
    fail "nginx does not serve with the new key after a reload"
expect 0 "the new key is accepted after a reload" get
has welcome

# A new attestation key certifies both again, and clients who trust it accept.
"$ratls" init --replace --state "$state" --tcti "$tcti" >"$work/init.log" 2>&1 ||
    fail "ratls init --replace"
lacks "was not certified" "$work/init.log"
learn_policy
want_tpm
reload HUP nginx
expect 0 "a new attestation key proves the TLS key" get --user-agent replaced
stop nginx

# `ratls cert` knows keys in files only, and so its certificates have no proof.
"$ratls" cert --state "$state" --tcti "$tcti" --key "$work/cert.key" --out "$work/cert.pem" \
    --name "$name" >"$work/cert.log" 2>&1 || fail "ratls cert"
sed -i '/^freshness:/d' "$work/policies/server.yaml"
printf 'freshness: certificate\nmax-age: 1h\n' >>"$work/policies/server.yaml"
expect 1 "a certificate of a key in a file is refused" "$ratls" verify \
    --policy "$work/policies" --server-name "$name" "$work/cert.pem"
has tls-key.present
expect 1 "ratls policy lint says so" "$ratls" policy lint "$work/policies"
has "tls-key: "
