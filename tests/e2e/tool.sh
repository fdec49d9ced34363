#!/bin/sh
# The tool: what it prints and how it ends, for each of its four exit codes; `ratls exec`.
. "$(dirname "$0")/lib.sh"
need curl
prepare
start_python_server attested

probe() {
    "$ratls" probe --policy "$work/policies" --server-name "$name" --ca "$work/server.pem" "$@" \
        "$address:$port"
}
through_exec() {
    "$ratls" exec --policy "$work/policies" -- curl -sS --fail --cacert "$work/server.pem" \
        --resolve "$name:$port:$address" --header "X-Secret: $secret" "https://$name:$port/"
}

expect 0 "probe accepts" probe
expect 0 "probe --json accepts" probe --json
"$python" -c 'import json, sys
report = json.load(open(sys.argv[1]))
sys.exit(not report["accepted"])' "$work/output.log" ||
    fail "the report is not JSON, or not accepted"
expect 0 "exec runs curl" through_exec
has welcome
expect 0 "exec passes the exit code on" "$ratls" exec --policy "$work/policies" -- true
expect 7 "exec passes another exit code on" "$ratls" exec --policy "$work/policies" -- \
    sh -c 'exit 7'
expect 1 "lint warns of a TPM into which nothing was measured" "$ratls" policy lint \
    "$work/policies/server.yaml"
has "only zeros"
expect 2 "learn excludes nothing where there is no list of files" "$ratls" policy learn --local \
    --state "$state" --server-name "$name" --exclude "/var/log/**" --out "$work/none.yaml"
has "has not shown a list of Linux IMA"
[ ! -e "$work/none.yaml" ] || fail "a policy is there"
expect 2 "a command that does not exist is wrong usage" "$ratls" prove
expect 2 "an unknown option is wrong usage" probe --no-such-option
expect 3 "a server that is not there: it could not work" "$ratls" probe --policy "$work/policies" \
    --server-name "$name" "$address:1"
for command in init cert probe sync show verify exec 'policy learn' 'policy lint'; do
    # shellcheck disable=SC2086 # two words
    expect 0 "ratls $command --help" "$ratls" $command --help
    has "Usage:"
done

extend_pcr 7
: >"$work/received"
expect 1 "probe refuses after a PCR has changed" probe
has pcr.value
has "sha256"
expect 1 "probe --json refuses" probe --json
"$python" -c 'import json, sys
report = json.load(open(sys.argv[1]))
failed = [check["name"] for check in report["report"]["checks"] if check["verdict"] == "fail"]
sys.exit(report["accepted"] or failed != ["pcr.value"])' "$work/output.log" ||
    fail "the report in JSON does not name pcr.value alone"
ok "... and names pcr.value alone"
expect 35 "exec: curl refuses" through_exec
has pcr.value
[ ! -s "$work/received" ] || fail "the server decrypted something of a refused client"
printf 'sevice: x\n' >>"$work/policies/server.yaml"
expect 2 "lint finds the mistake" "$ratls" policy lint "$work/policies/server.yaml"
has "server.yaml:"
expect 2 "probe does not start with it" probe
