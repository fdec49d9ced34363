#!/bin/sh
# Servers that a verifying client must not talk to: without evidence, with TLS 1.2 only, with the
# key of another TPM; and names that no policy speaks for.
. "$(dirname "$0")/lib.sh"
need curl
prepare

start_python_server attested
expect 0 "the right server is accepted" get
has welcome
stop python

start_python_server plain
expect 35 "a server without evidence is refused" get
has evidence.present
expect 35 "also with -k" get --insecure
has evidence.present
[ ! -s "$work/received" ] || fail "it received something"
ok "it received nothing"
stop python

start_python_server attested server --tls12
expect failure "a server with TLS 1.2 only is refused" get
has "protocol version"
[ ! -s "$work/received" ] || fail "it received something"
ok "it received nothing"
expect 0 "a client without ratls talks to it" plain_get
stop python

start_tpm other_tpm
init_machine other_state
server_conf
start_python_server attested
expect 35 "a good server with another machine's key is refused" get
has ak.trust
[ ! -s "$work/received" ] || fail "it received something"
ok "it received nothing"
stop python
state=$work/state
tcti=swtpm:path=$work/tpm/sock
server_conf

# Two names, two machines: neither may answer for the other.
sed "s/$name/other.test/" "$work/policies/server.yaml" >"$work/policies/other.yaml"
start_python_server attested
other() { # other CURL-OPTION...
    verifying curl -sS --fail --max-time 30 --insecure --resolve "$1:$port:$address" \
        "https://$1:$port/"
}
expect 0 "a second name with the same key in its policy is accepted" other other.test
expect failure "a name that no policy speaks for is refused" other unknown.test
has unknown.test
printf 'unlisted = plain\n' >>"$work/client.cnf"
expect 0 "unlisted = plain lets it pass" other unknown.test
expect 0 "and goes on to verify the listed ones" get
extend_pcr 7
: >"$work/received"
expect 35 "which are refused when they change" get
has pcr.value
[ ! -s "$work/received" ] || fail "it received something"
expect 0 "while the unlisted one is none of our business" other unknown.test
