#!/bin/sh
# Certificate mode: `ratls cert` writes a key and a certificate with evidence in it, and any server
# uses them. A client accepts that only where its policy says so.
. "$(dirname "$0")/lib.sh"
need curl
prepare
"$ratls" cert --state "$state" --key "$work/server.key" --out "$work/server.pem" \
    --name "$name" --force >"$work/cert.log" 2>&1 || fail "ratls cert"
chmod 644 "$work/server.key"
start_python_server plain

expect 0 "a client without ratls accepts the certificate" plain_get
expect 35 "a policy that wants fresh evidence refuses it" get
has evidence.present
[ "$(grep -c . "$work/received")" -gt 0 ] || fail "the plain client sent nothing"
: >"$work/received"
printf 'freshness: certificate\nmax-age: 1h\n' >>"$work/policies/server.yaml"
expect 0 "a policy that takes certificates accepts it" get
has welcome
expect 0 "ratls verify accepts the file" "$ratls" verify --policy "$work/policies" \
    --server-name "$name" "$work/server.pem"
expect 0 "ratls show explains it" "$ratls" show "$work/server.pem"
stop python

# The same evidence for another key.
openssl ecparam -genkey -name prime256v1 -noout -out "$work/server.key"
make_certificate stranger
cp "$work/stranger.key" "$work/server.key"
cp "$work/stranger.pem" "$work/server.pem"
start_python_server plain
: >"$work/received"
expect 35 "a certificate without evidence is refused" get
has evidence.present
[ ! -s "$work/received" ] || fail "it received something"
