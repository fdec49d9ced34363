#!/bin/sh
# The passport: a verifier that knows the values signs what it found, nginx staples that, and a curl
# whose policy has no values at all relies on it; but only for the state that is quoted now.
. "$(dirname "$0")/lib.sh"
need nginx curl openssl
prepare
server=$address:$port
mkdir "$work/results"
chmod 755 "$work/results"
result=$work/results/server.cwt
printf 'result = %s\n' "$result" >>"$work/server.cnf"
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"

# The verifier's side.
mv "$work/policies/server.yaml" "$work/verifier.yaml"
for party in verifier stranger; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$work/$party.key" \
        2>"$work/genpkey.log"
    openssl pkey -in "$work/$party.key" -pubout -out "$work/policies/$party.pem"
done
judge() { # judge FILE [OPTION...]: what the verifier finds now
    file=$1
    shift
    "$ratls" probe "$server" --server-name "$name" --ca "$work/server.pem" \
        --policy "$work/verifier.yaml" --ear "$file" --ear-key "$work/verifier.key" "$@"
}

# The client's side: whose key, and whose verdict. Nothing of the software.
key=$("$python" -c 'import json, sys
print(json.load(open(sys.argv[1]))["evidence"]["attestationKey"]["name"])' /dev/stdin <<JSON
$("$ratls" probe "$server" --server-name "$name" --ca "$work/server.pem" --json 2>/dev/null)
JSON
)
cat >"$work/policies/client.yaml" <<YAML
policy: ratls-1
servers: [$name]
attestation-keys:
  - name: $key
results:
  verifiers: [verifier.pem]
  pcrs: [0, 1, 2, 3, 4, 5, 6, 7]
YAML
expect 0 "the client's policy has no values" "$ratls" show "$work/policies/client.yaml"
expect 0 "ratls policy lint" "$ratls" policy lint "$work/policies/client.yaml"
expect 0 "ratls policy explain" "$ratls" policy explain "$work/policies/client.yaml"
has verifier.pem

expect 35 "without a result curl refuses the server" get
has result.present
expect 0 "the verifier accepts the server" judge "$result"
expect 0 "ratls show explains the result" "$ratls" show "$result"
has affirming
has "sha256:0,1,2,3,4,5,6,7"
expect 0 "curl accepts the server by its result" get --user-agent accepted
has welcome
expect 0 "and again" get --user-agent accepted
has accepted "$work/nginx-access.log"
expect 0 "so does the tool" "$ratls" probe "$server" --server-name "$name" \
    --ca "$work/server.pem" --policy "$work/policies"
expect 0 "a client without ratls notices nothing" plain_get

# Of another verifier, another server, another kind.
expect 0 "a stranger signs" judge "$result" --ear-key "$work/stranger.key"
expect 35 "curl does not rely on a stranger" get
has result.signature
expect 0 "a JWT is for others" judge "$result" --ear-format jwt
expect 35 "nginx does not staple it" get
has result.present
head -c 9000 /dev/zero >"$result"
expect 35 "nor what is no result" get
has result.present
rm "$result"
expect 35 "nor what is not there" get
has result.present

expect 0 "a result that holds two seconds" judge "$result" --ear-expires 2s
sleep 3
expect 35 "has expired then" get
has result.age

expect 0 "a new one" judge "$result"
expect 0 "is accepted at once" get --user-agent accepted
extend_pcr 7
expect 35 "curl refuses the server after a PCR has changed" get --user-agent changed
has result.state
expect 1 "the verifier refuses it, too" judge "$work/refused.cwt"
has pcr.value
expect 0 "and says so" "$ratls" show --json "$work/refused.cwt"
has '"status": "contraindicated"'
cp "$work/refused.cwt" "$result"
expect 35 "curl is told" get --user-agent changed
has result.status
lacks changed "$work/nginx-access.log"

# Another look by the verifier at what the machine is now.
learn_policy
mv "$work/policies/server.yaml" "$work/verifier.yaml"
expect 0 "the verifier learns the new state, and signs" judge "$result"
expect 0 "curl accepts it, with the same policy" get --user-agent accepted

# A verifier's word is no word about the certificate.
make_certificate other
rm -f "$work/none.cwt"
expect 1 "no result of a server whose certificate is refused" judge "$work/none.cwt" \
    --ca "$work/other.pem"
[ ! -e "$work/none.cwt" ] || fail "a result was written"
ok "none was written"
