#!/bin/sh
# Whatever is wrong on our own side, a program must not go on unattested.
. "$(dirname "$0")/lib.sh"
need curl nginx haproxy stunnel
prepare
use_example nginx.conf
start_python_server plain
sends_nothing() {
    [ ! -s "$work/received" ] || fail "the server received something"
    ok "... and sends nothing"
}
python_client() {
    verifying "$python" "$support/client.py" "$address" "$port" "$name" "$work/server.pem" "$secret"
}

# The module is missing.
mv "$module" "$module.away"
expect failure "without the module curl does not work" get
sends_nothing
expect failure "nor does Python" python_client
sends_nothing
expect failure "nor does s_client" verifying openssl s_client -connect "$address:$port"
sends_nothing
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
use_haproxy
expect failure "nor does HAProxy" attested haproxy -c -f "$work/haproxy.cfg"
use_example stunnel.conf
expect failure "nor does stunnel" attested timeout 5 stunnel "$work/stunnel.conf"
expect failure "nor does nginx" attested nginx -t -c "$work/nginx.conf"
mv "$module.away" "$module"
# OpenSSL passes over an .include of a file that is not there: a client must not depend on one.
if grep "^\.include" "$work/client.cnf"; then
    fail "the client's example depends on another file"
fi
ok "the client's example stands by itself"
expect 0 "with the module HAProxy does" attested haproxy -c -f "$work/haproxy.cfg"
expect 0 "and nginx does" attested nginx -t -c "$work/nginx.conf"

# The module is there, but its section is wrong.
for line in 'role = cleint' 'policy =' 'unlisted = maybe' 'boot-log = no' 'ima-list = ./i' \
    'role =' 'polcy = /p' 'state = ratls_base'; do
    client_conf
    printf '%s\n' "$line" >>"$work/client.cnf"
    expect failure "with '$line' curl does not work" get --insecure
    has "ratls: $work/client.cnf: the provider's section: " # the example has log = stderr
    sends_nothing
    expect failure "nor does Python" python_client
    sends_nothing
done

# So it is with a server: it does not begin, rather than attest nobody from its first client on.
for line in 'epoch = https://tsa.example/' 'epoch = stamp.tsr' 'epoch-seconds = 30' \
    'service =' 'clints = /p' 'clients = ratls_base'; do
    server_conf
    printf '%s\nlog = stderr\n' "$line" >>"$work/server.cnf"
    expect failure "with '$line' nginx does not start" attested nginx -t -c "$work/nginx.conf"
    has "ratls: $work/server.cnf: the provider's section: ${line%% =*}"
done
server_conf
expect 0 "without it nginx does" attested nginx -t -c "$work/nginx.conf"

# The policy has a mistake: the program says where, and connects to nothing.
client_conf
cp "$work/policies/server.yaml" "$work/good.yaml"
broken() { # broken WHAT PLACE: the policy file is $work/policies/server.yaml
    expect failure "a policy with $1 stops curl" get --insecure
    has "server.yaml:$2"
    sends_nothing
    expect failure "and Python" python_client
    has "server.yaml:$2"
    sends_nothing
    cp "$work/good.yaml" "$work/policies/server.yaml"
}
lines=$(wc -l <"$work/good.yaml")
printf 'sevice: x\n' >>"$work/policies/server.yaml"
broken "an unknown key" "$((lines + 1)):1"
sed -n '/^servers:/,/^[a-z]/p' "$work/good.yaml" | grep -q . || fail "the policy names no servers"
printf 'servers: [twice.test]\n' >>"$work/policies/server.yaml"
broken "a duplicate key" "$((lines + 1)):1"
row=$(grep -nE '[0-9a-f]{64}' "$work/good.yaml" | tail -n 1 | cut -d : -f 1)
sed "${row}s/\\([0-9a-f]\\{63\\}\\)[0-9a-f]/\\1/" "$work/good.yaml" >"$work/policies/server.yaml"
broken "a value that is too short" "$row:"
: >"$work/policies/server.yaml"
broken "nothing in it" "1:1"

rm "$work/policies/server.yaml"
expect failure "a folder without a policy stops curl" get --insecure
has "$work/policies"
sends_nothing
rmdir "$work/policies"
expect failure "a missing folder stops curl" get --insecure
has "$work/policies"
sends_nothing
mkdir "$work/policies"
cp "$work/good.yaml" "$work/policies/"
stop python

# The server's side: a state folder that is missing, or cannot be used.
start_python_server attested
expect 0 "with everything in place curl accepts the server" get
stop python
mv "$state" "$state.away"
start_python_server attested
expect failure "without its state folder the server attests nothing" get
expect 0 "a client without ratls is served all the same" plain_get
