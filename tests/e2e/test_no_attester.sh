#!/bin/sh
# The tool of a build without the attester library: it verifies, and says plainly what it cannot do.
. "$(dirname "$0")/lib.sh"

for command in "init" "cert --name a.test --out $work/a --key $work/b" \
    "policy learn --local --server-name a.test --out $work/c" "ca request a.test --out $work/d"; do
    # shellcheck disable=SC2086 # a command is several words
    expect 3 "ratls ${command%% --*} needs the attester" "$ratls" $command --state "$work/state"
    has "this build of ratls has no attester"
done
expect failure "ratls enroll needs it too" "$ratls" enroll --state "$work/state" \
    https://ca.test a.test
grep -qE "has no attester|needs libcurl4" "$work/output.log" || fail "not a word of that"
for file in state a b c d; do
    [ ! -e "$work/$file" ] || fail "$file was made"
done
vectors=$RATLS_SOURCE_DIR/fuzz/corpus/show
expect 0 "show evidence" "$ratls" show "$vectors/evidence"
has "made inside a TPM yes"
expect 0 "show a certificate" "$ratls" show "$vectors/certificate"
# A client needs no more than that; a server without an agent does.
mkdir "$work/policies"
cp "$RATLS_SOURCE_DIR/policies/strict.yaml" "$work/policies/"
client_conf
expect 0 "check a client's configuration" "$ratls" check "$work/client.cnf"
has "good: programs verify their servers"
server_conf
expect 1 "check a server's" "$ratls" check "$work/server.cnf"
has "this build of ratls has no attester: role = client only, or agent = SOCKET"
expect 0 "learn's help" "$ratls" policy learn --help
