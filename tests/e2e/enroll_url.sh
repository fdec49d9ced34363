#!/bin/sh
# Enrolment at a CA's service: approved by hand, by a token, renewed, refused, and killed at each
# step.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need "$python" tpm2_flushcontext
"$ratls" ca serve --help >/dev/null 2>&1 || skip "this build has no service of a CA"
"$ratls" enroll ftp://none 2>&1 | grep -q "needs libcurl4" &&
    skip "this build cannot ask servers by HTTP"
make_machine one
make_ca </dev/null
serve_ca

certificate() { # the serial number of the certificate that the machine has
    openssl x509 -in "$work/one.state/ak.crt" -noout -serial
}

count() { # how many certificates the CA has issued
    at_ca list --json | "$python" -c 'import json, sys
print(len(json.load(sys.stdin)["certificates"]))'
}

# ---- by hand

expect 2 "without a certificate there is nothing to renew" enrol one
has "name the machine"
expect 1 "nobody has approved it yet" enrol one --wait 1s bank.test www.bank.test
has "the CA waits for an approval by hand"
has "the same command goes on with it"
id=$(sed -n "s/.*'ratls ca approve \([0-9a-f]*\)'.*/\1/p" "$work/output.log")
[ ! -e "$work/one.state/ak.crt" ] || fail "there is a certificate"
expect 0 "somebody approves" at_ca approve "$id"
expect 0 "then there is a certificate" enrol one --wait 1s www.bank.test bank.test
has "enrolled bank.test, www.bank.test until"
expect 0 "by the CA" openssl verify -CAfile "$ca/ca.crt" -purpose any "$work/one.state/ak.crt"
[ "$(ls "$work/one.state/enroll")" = "" ] || fail "something of it was kept"
[ "$(count)" -eq 1 ] || fail "not one certificate"

# ---- renewal

first=$(certificate)
expect 0 "it is new" enrol one
has "nothing to do: the certificate for bank.test, www.bank.test is valid until"
expect 0 "in other words" enrol one --json bank.test www.bank.test
has '"state": "current"'
expect 0 "without a rule and without a token" enrol one --force --json
has '"state": "installed"'
[ "$first" != "$(certificate)" ] || fail "it is the same certificate"
[ "$(count)" -eq 2 ] || fail "not two certificates"

# ---- refused

before=$(certificate)
expect 1 "a name that is not the CA's" enrol one elsewhere.example
has "the CA refuses"
has "HTTP status 403"
printf 'rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq\n' >"$work/forged"
chmod 600 "$work/forged"
expect 1 "a token that is none" enrol one --token-file "$work/forged" more.test
has "the CA refuses"
manufacture other
init_machine other.state
expect 1 "a name of another TPM" enrol other bank.test
has "the CA refuses"
expect 2 "a URL of afar without TLS" "$ratls" enroll --state "$work/one.state" http://ca.test a.test
has "write https://"
expect 3 "a service that is not there" "$ratls" enroll --state "$work/one.state" --force \
    "unix:$work/nowhere" bank.test
has "unix:$work/nowhere: No such file or directory; is the service running there?"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/x.key" \
    -out "$work/x.crt" -subj "/CN=another CA" 2>/dev/null
expect 1 "the certificate of a CA that is not meant" on one "enroll $ca_url" --ca "$work/x.crt" \
    --force
has "does not lead to"
[ "$before" = "$(certificate)" ] || fail "it was taken over"
issued=$(count)
expect 0 "which is there for whoever means it" enrol one --force
[ "$issued" -eq "$(count)" ] || fail "it was made twice"

# ---- by token

make_token --names token.test --uses 1
expect 0 "a token, by a variable" env RATLS_TOKEN_FILE="$token_file" "$ratls" enroll \
    --ca "$ca/ca.crt" --state "$work/one.state" --tcti "swtpm:path=$work/one/sock" "$ca_url" \
    token.test
has "enrolled token.test until"
make_machine two
expect 1 "it was for one time" enrol two --token-file "$token_file" token.test
has "the CA refuses"
make_token --names two.test --uses 1
expect 0 "a token in a file" enrol two --token-file "$token_file" two.test
has "enrolled two.test until"

# ---- killed

start proxy "$python" "$support/holding_proxy.py" "$work/proxy" "$ca/sock" "$work/order"
wait_for 10 takes_connections "$work/proxy" || fail "the proxy does not start"

begin() { # an enrolment in the background
    start enrolling "$ratls" enroll --ca "$ca/ca.crt" --state "$work/one.state" \
        --tcti "swtpm:path=$work/one/sock" --force "unix:$work/proxy"
}

kill_it() {
    killed=
    eval "killed=\$pid_of_enrolling"
    kill -KILL "$killed" 2>/dev/null || true
    wait "$killed" 2>/dev/null || true
    # What a resource manager does for a process that is gone.
    for kind in -t -l -s; do
        TPM2TOOLS_TCTI="swtpm:path=$work/one/sock" tpm2_flushcontext "$kind" 2>/dev/null || true
    done
}

# goes_on WHAT: the next one gets the certificate, of which there is one more than before
goes_on() {
    issued=$((issued + 1))
    expect 0 "$1" on one "enroll unix:$work/proxy" --ca "$ca/ca.crt" --force
    [ "$(count)" -eq "$issued" ] || fail "$1: $(count) certificates, not $issued"
    openssl verify -CAfile "$ca/ca.crt" -purpose any "$work/one.state/ak.crt" >/dev/null ||
        fail "$1: what is there is no certificate"
}

issued=$(count)
for order in "before POST /v1/requests" "behind POST /v1/requests" "before POST /v1/answers" \
    "behind POST /v1/answers"; do
    echo "$order" >"$work/order"
    begin
    wait_for 20 test -e "$work/order.held" || fail "$order is not held"
    kill_it
    rm "$work/order.held"
    goes_on "killed $order"
done
echo "behind POST /v1/answers" >"$work/order"
begin
wait_for 20 test -e "$work/order.held" || fail "the answer is not held"
kill_it
rm "$work/order.held"
echo "behind GET /v1/results" >"$work/order"
begin
wait_for 20 test -e "$work/order.held" || fail "the result is not held"
kill_it
rm "$work/order.held"
goes_on "killed twice"
echo "lose POST /v1/answers" >"$work/order"
goes_on "a lost reply"

# At any time: the certificate that is there is a whole one, and each request has one at most.
for time in 0.01 0.02 0.04 0.07 0.1 0.15 0.2 0.3; do
    begin
    sleep "$time"
    kill_it
    rm -f "$work/order.held"
    openssl x509 -in "$work/one.state/ak.crt" -noout || fail "no certificate"
done
expect 0 "and at the end there is one" on one "enroll unix:$work/proxy" --ca "$ca/ca.crt" --force
[ "$(count)" -le $((issued + 9)) ] || fail "more certificates than requests"

# ---- a CA that comes back

stop ca_service
echo "waiting" >"$work/back.log"
expect 3 "a CA that is away" enrol one --force
expect 0 "the old certificate is there" openssl x509 -in "$work/one.state/ak.crt" -noout
rm -f "$ca/sock"
sed -i 's/^names:/validity: 60s\nnames:/' "$ca/ca.yaml"
serve_ca
expect 0 "it goes on" enrol one --force
first=$(certificate)
expect 0 "in the last third of its life it is renewed" enrol one
has "enrolled token.test until"
[ "$first" != "$(certificate)" ] || fail "it is the same certificate"
