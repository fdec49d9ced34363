#!/bin/sh
# Two servers enrol at a CA; a client that knows only this CA accepts each under its own name, and
# no longer the one that is revoked. The store is SQLite, or RATLS_TEST_POSTGRESQL.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need nginx curl "$python"

make_machine alpha
make_machine beta
store=${RATLS_TEST_POSTGRESQL:-}
make_ca <<END
approval:
  by-hand: refuse
  rules-file: eks.csv
END
serve_ca

# One by a token, with its RSA key; one by a rule, with the key on P-384.
expect 1 "whom nobody approved gets nothing" enrol alpha alpha.test
has "no rule and no token"
make_token --names alpha.test
expect 0 "alpha enrols by its token" enrol alpha --ek L-1 --token-file "$token_file" alpha.test
echo "$(ek_of beta H-3),beta.test" >>"$ca/eks.csv"
expect 0 "beta enrols by a rule" enrol beta --ek H-3 beta.test
expect 1 "alpha does not get the name of beta" enrol alpha --ek L-1 --force beta.test
has enrolled

# The same TLS certificate could be at both: nothing but attestation tells them apart.
web alpha alpha.test beta.test
web beta beta.test alpha.test
at_ca crl -o "$work/ca.crl" >"$work/crl.log" 2>&1 || fail "ratls ca crl"
mkdir -p "$work/policies"
cp "$work/ca.crl" "$work/policies/"
trust_ca "crl: ca.crl" "crl-url: $ca_url:/v1/crl"
client_conf

for server in alpha beta; do
    expect 0 "$server under its name" ask "$server" "$server.test"
    has welcome
    expect 0 "... by ratls probe" probe "$server" "$server.test"
done
expect 35 "alpha is not beta" ask alpha beta.test
has ak.server
expect 35 "beta is not alpha" ask beta alpha.test
has ak.server
expect 1 "... by ratls probe" probe beta alpha.test
has ak.server

sed -i.bak '/^software-tpm/d' "$work/policies/all.yaml" && rm "$work/policies/all.yaml.bak"
expect 35 "software TPMs are no TPMs, unless the policy says so" ask alpha alpha.test
has ak.software
trust_ca "crl: ca.crl" "crl-url: $ca_url:/v1/crl"

expect 0 "alpha is revoked" at_ca revoke --reason key-compromise alpha.test
expect 0 "the list that the client has still lets it in" ask alpha alpha.test
expect 0 "the client fetches the next list" "$ratls" policy crl "$work/policies"
has "ca.crl: replaced by list"
expect 35 "alpha is refused" ask alpha alpha.test
has ak.revoked
expect 0 "beta is not" ask beta beta.test
has welcome
expect 1 "... by ratls probe" probe alpha alpha.test
has ak.revoked
expect 0 "the record of the CA is whole" at_ca audit --verify
