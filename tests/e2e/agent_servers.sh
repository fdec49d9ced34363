#!/bin/sh
# Unmodified servers that ask ratlsd, with an agent that is missing, ends, hangs or refuses: workers
# of nginx and HAProxy that may neither use the TPM nor read the state folder.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/agent_lib.sh"
need nginx haproxy curl
pid_of_ratlsd=
prepare

# Only ratlsd's user may use the TPM.
if [ "$(id -u)" -eq 0 ]; then
    chown "$agent_user" "$work/tpm/sock" "$work/tpm/sock.ctrl"
fi
chmod 600 "$work/tpm/sock" "$work/tpm/sock.ctrl"

figure() { # figure SERIES: of the metrics
    asks_agent || fail "ratlsd does not answer"
    awk -v series="$1" '$1 == series { print $2; found = 1 } END { exit !found }' "$work/status" ||
        fail "no $1 in the metrics"
}

# ---- nginx, with two workers

agent_conf "$server_user" '[default]'
sed -i "s|^state = .*|agent = $socket|" "$work/server.cnf"
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
expect 0 "without an agent nginx serves clients without ratls" plain_get
expect 35 "and fails the handshakes of others" get
has "no agent listens at $socket: start ratlsd" "$work/nginx-error.log"

start_agent
sleep 0.2
expect 0 "with an agent curl accepts nginx" get
has welcome
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    get --output /dev/null || fail "curl refuses nginx"
done
ok "... again and again"
connections=$(figure ratls_connections)
if [ "$connections" -lt 1 ] || [ "$connections" -gt 3 ]; then
    fail "$connections connections"
fi
ok "... each worker has one connection ($connections)"
[ "$(figure 'ratls_evidence_total{service="default"}')" -ge 13 ] || fail "evidence is not counted"
expect 0 "the tool accepts nginx" "$ratls" probe --policy "$work/policies" \
    --server-name "$name" --ca "$work/server.pem" "$address:$port"

# Many at once: both workers ask, and quotes are shared.
many=
for _ in 1 2 3 4 5 6 7 8; do
    get --output /dev/null &
    many="$many $!"
done
for client in $many; do
    wait "$client" || fail "one of many clients is refused"
done
ok "eight clients at once are served"

# ---- it goes away, and comes back

stop ratlsd
expect 35 "a killed agent fails handshakes" get
expect 0 "clients without ratls are served" plain_get
start_agent
sleep 0.2
expect 0 "a restarted agent is found again" get
kill -STOP "$pid_of_ratlsd"
expect failure "one that hangs fails a handshake in time" get --max-time 20
has "did not answer within 5000 ms" "$work/nginx-error.log"
# Each worker learns it by itself, with the first client that it serves.
fail_at_once() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
        ! get --max-time 2 >"$work/hangs.log" 2>&1 || fail "a client was accepted without an agent"
        ! grep -q 'timed out' "$work/hangs.log" || return 1
    done
}
wait_for 10 fail_at_once || fail "handshakes wait for an agent that hangs"
ok "... and the next ones at once"
has "hangs: no answer for" "$work/nginx-error.log"
expect 0 "clients without ratls are served meanwhile" plain_get
kill -CONT "$pid_of_ratlsd"
wait_for 5 get --output /dev/null || fail "an agent that goes on is not noticed"
ok "when it goes on, so do handshakes"
for _ in 1 2 3 4 5 6 7 8; do
    get --output /dev/null || fail "a worker did not notice it"
done
ok "... of both workers"

# ---- what it allows

stop ratlsd
agent_conf "$server_user" '[shop]'
start_agent
sleep 0.2
expect 35 "the service is the agent's: another one is refused by curl" get
has statement.service
stop nginx
sed -i "s|^agent = .*|&\\nservice = bank|" "$work/server.cnf"
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
expect 35 "nginx cannot name a service that it is not allowed" get
has "may not ask for the service \"bank\"" "$work/nginx-error.log"
if [ "$(id -u)" -eq 0 ]; then
    stop ratlsd
    agent_conf nobody '[bank]'
    start_agent
    sleep 0.2
    expect 35 "nor may a user without a rule attest" get
    has "may ask the agent for nothing: add a rule for this user" "$work/nginx-error.log"
fi
stop ratlsd
agent_conf "$server_user" '[shop, bank]'
start_agent
sleep 0.2
sed -i 's|^service:.*||' "$work/policies/server.yaml"
printf 'service: bank\n' >>"$work/policies/server.yaml"
expect 0 "but one of those that it is" get
stop nginx

# ---- HAProxy, reload of its worker included

cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
backend=$(free_port)
start python "$python" -m http.server --bind "$address" --directory "$work/share" "$backend"
wait_until_listening python "$backend"
use_haproxy
sed -i '/^    \(user\|group\) /s/haproxy/www-data/' "$work/haproxy.cfg"
start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -W -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"
expect 0 "curl accepts HAProxy" get
reload USR2 haproxy
expect 0 "and after a reload" get
stop haproxy
echo 'log = stderr' >>"$work/server.cnf"
sed -i 's/^global$/&\n    ssl-mode-async/' "$work/haproxy.cfg"
start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -W -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"
expect 0 "and with ssl-mode-async, where it does not wait for the agent" get
stop ratlsd
expect 35 "which fails as well without one" get
# For a moment behind the end of a connection nobody looks for a new one.
misses_agent() {
    ! get >/dev/null 2>&1 || fail "a client was accepted without an agent"
    grep -q "ratls: with a client: no agent listens at $socket: start ratlsd" "$work/haproxy.log"
}
wait_for 10 misses_agent || fail "HAProxy's log does not say that there is no agent"
ok "... and does not find the next, which is not there"
start_agent
sleep 0.2
expect 0 "and goes on with the next" get
[ "$(figure 'ratls_refused_total{reason="malformed"}')" -eq 0 ] || fail "malformed questions"
ok "no question was malformed"
stop haproxy

# ---- a server that uses the library, and never waits for evidence

stop ratlsd
agent_conf "$(id -un)" '[bank]'
start_agent
address=127.0.0.1 name=localhost
make_certificate localhost
port=$(free_port)
start example "$RATLS_BINARY_DIR/bin/ratls-example-server" --agent "$socket" --port "$port" \
    --cert "$work/localhost.pem" --key "$work/localhost.key"
wait_until_listening example "$port"
sed 's/server\.test/localhost/' "$work/policies/server.yaml" >"$work/localhost.yaml"
expect 0 "the example client accepts the example server" \
    "$RATLS_BINARY_DIR/bin/ratls-example-client" --policy "$work/localhost.yaml" \
    --ca "$work/localhost.pem" localhost "$port"
has "HTTP/1.1 200"
expect 2 "which takes a state folder or an agent" \
    "$RATLS_BINARY_DIR/bin/ratls-example-server" --agent "$socket" --state "$state" \
    --cert "$work/localhost.pem" --key "$work/localhost.key"

# ---- configurations that make no sense

for line in "state = $state" "tcti = $tcti" 'boot-log = none' 'ima-list = none' \
    'epoch = /stamp' 'result = none'; do
    { cat "$work/server.cnf" && printf '%s\n' "$line"; } >"$work/both.cnf"
    expect failure "${line%% *} beside agent is an error" \
        env OPENSSL_CONF="$work/both.cnf" nginx -t -c "$work/nginx.conf"
    has "${line%% *} beside agent"
done
