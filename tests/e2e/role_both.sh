#!/bin/sh
# One process that attests to its clients and verifies its own server: HAProxy in front of another
# attested machine, with role = both.
. "$(dirname "$0")/lib.sh"
need haproxy curl
prepare
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
front_tcti=$tcti
front_conf=$work/front.cnf
cp "$work/server.cnf" "$front_conf"
mkdir "$work/back"

# The machine behind it has another TPM and another name.
start_tpm back_tpm
init_machine back_state
name=back.test
learn_policy
make_certificate back
mv "$work/policies/server.yaml" "$work/back/"
name=server.test
server_conf
start_python_server attested back
backend=$port
port=$(free_port)

# The policy for our own clients is the one of the front machine.
tcti=$front_tcti
state=$work/state
learn_policy
{
    printf 'role = both\npolicy = %s\nlog = stderr\n' "$work/back"
    printf 'tcti = %s\n' "$front_tcti"
} >>"$front_conf"
use_haproxy
sed -i "s|^    server application .*|& ssl verify required ca-file $work/back.pem \
sni str(back.test)|" "$work/haproxy.cfg"
start haproxy env OPENSSL_CONF="$front_conf" haproxy -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"

expect 0 "a client verifies HAProxy, which verifies the machine behind it" get
has welcome
has "uthorization: Basic" "$work/received"

tcti=swtpm:path=$work/back_tpm/sock
extend_pcr 7
: >"$work/received"
# A connection that was verified before may be used again: HAProxy starts anew.
stop haproxy
start haproxy env OPENSSL_CONF="$front_conf" haproxy -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"
expect 22 "HAProxy refuses the machine behind it after its PCR has changed" get
has 503
[ ! -s "$work/received" ] || fail "the machine behind it received something"
ok "... and passes nothing on"

tcti=$front_tcti
extend_pcr 7
expect 35 "a client refuses HAProxy when its own machine has changed" get
has pcr.value
