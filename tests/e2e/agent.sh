#!/bin/sh
# One agent has the TPM. nginx, and a second server of another user, attest through it by
# openssl.cnf alone, with no right to the TPM or its key, and share its quotes.
. "$(dirname "$0")/lib.sh"
need nginx curl
[ "$(id -u)" -eq 0 ] || skip "only root can run servers of several users"
prepare
ratlsd=$RATLS_BINARY_DIR/bin/ratlsd
socket=$work/run/agent.sock
pid_of_ratlsd=
start_mux --delay-ms 300
chmod 700 "$state"

write_agent_conf() { # write_agent_conf WEB-SERVICE
    cat >"$work/ratlsd.yaml" <<END
state: $state
tcti: $tcti
user: daemon
socket: $socket
socket-group: www-data
boot-log: none
ima-list: none
clients:
  - user: www-data
    services: [$1]
  - group: games
    services: [default]
END
}

start_agent() {
    start ratlsd "$ratlsd" --config "$work/ratlsd.yaml"
    wait_for 20 grep -q serving "$work/ratlsd.log" || fail "ratlsd does not begin"
}

figure() { # figure SERIES
    "$ratlsd" --status --socket "$socket" | sed -n "s/^$1 //p"
}

write_agent_conf default
expect 0 "the configuration is good" "$ratlsd" --check-config --config "$work/ratlsd.yaml"
has "rules: 2, services: 1"
as_games() {
    setpriv --reuid games --regid games --clear-groups "$@"
}
expect 3 "who may not see the key is told that the file is good" as_games "$ratlsd" \
    --check-config --config "$work/ratlsd.yaml"
has "ak.conf: Permission denied: run this as root"
has "$work/ratlsd.yaml itself is good"
sed 's/^user: .*/user: no-such-user/' "$work/ratlsd.yaml" >"$work/wrong.yaml"
expect 2 "... or what is wrong in it" as_games "$ratlsd" --check-config --config "$work/wrong.yaml"
has "wrong.yaml:3:7: user: no user of the name no-such-user on this machine"
expect 2 "another is not" "$ratlsd" --check-config --config "$work/nothing.yaml"
has "nothing.yaml"
expect 3 "no agent, no status" "$ratlsd" --status --socket "$socket"
has "no ratlsd listens there"
start_agent

# The servers: no state folder, no TPM.
sed -i '/^state = /d; /^tcti = /d' "$work/server.cnf"
printf 'agent = %s\nlog = stderr\n' "$socket" >>"$work/server.cnf"
use_example nginx.conf
# One for each connection below: a worker's handshakes wait for each other.
sed -i 's/^worker_processes .*/worker_processes 5;/' "$work/nginx.conf"
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
nginx_port=$port
port=$(free_port)
cp "$work/server.key" "$work/games.key"
start_games() { # start_games GROUP...: option of setpriv
    start games setpriv --reuid games --regid games "$@" env \
        OPENSSL_CONF="$work/server.cnf" openssl s_server -quiet -www -tls1_3 \
        -accept "$address:$port" -cert "$work/server.pem" -key "$work/games.key"
    wait_until_listening games "$port"
}
# Who is not in the group of the socket cannot even ask, and the log says what to do.
start_games --clear-groups
games_port=$port
expect failure "a user who is not in the group of the socket" get
has "add the user games to the group www-data" "$work/games.log"
stop games
start_games --groups www-data

port=$nginx_port
expect 0 "curl accepts nginx" get
has welcome
port=$games_port
expect 0 "and the other server" get
[ "$(figure 'ratls_evidence_total{service="default"}')" -eq 2 ] || fail "the agent did not attest"
ok "... both through the agent"

# Ten handshakes with two servers while the TPM is at one quote: fewer quotes than handshakes.
before=$(figure ratls_quotes_total)
clients=
for i in 1 2 3 4 5; do
    for port in "$nginx_port" "$games_port"; do
        get --output /dev/null 2>"$work/parallel.$i.$port.log" &
        clients="$clients $!"
    done
done
for client in $clients; do
    wait "$client" || fail "one of ten connections at once was refused"
done
quotes=$(($(figure ratls_quotes_total) - before))
[ "$quotes" -lt 10 ] || fail "ten handshakes had $quotes quotes"
ok "ten handshakes with two servers of two users: $quotes quotes"
port=$nginx_port

# Its metrics, in both forms; not for everybody.
expect 3 "who may not connect sees no status" as_games "$ratlsd" --status --socket "$socket"
has "only root and the agent's own user see what it counts"
expect 0 "status as JSON" "$ratlsd" --status --json --socket "$socket"
cp "$work/output.log" "$work/status.json"
expect 0 "... is JSON" "$python" -c 'import json, sys
figures = json.load(open(sys.argv[1]))
sys.exit(figures["ratls_evidence_total{service=\"default\"}"] != 12)' "$work/status.json"
"$ratlsd" --status --socket "$socket" >"$work/metrics.txt"
if command -v promtool >/dev/null; then
    promtool check metrics <"$work/metrics.txt" >"$work/promtool.log" 2>&1 ||
        fail "promtool does not like the metrics"
    ok "promtool likes the metrics"
fi

# Another service than the policy has: the agent's word counts, not the server's.
write_agent_conf other
kill -HUP "$pid_of_ratlsd"
wait_for 10 grep -q "read again" "$work/ratlsd.log" || fail "the configuration is not read again"
expect 35 "curl refuses another service" get
has statement.service
write_agent_conf default
kill -HUP "$pid_of_ratlsd"
wait_for 10 sh -c "[ \$(grep -c 'read again' '$work/ratlsd.log') -eq 2 ]" || fail "not read again"
expect 0 "and accepts it again" get

# Without the agent nothing is attested; with the next one the same servers go on.
kill -KILL "$pid_of_ratlsd"
wait "$pid_of_ratlsd" 2>/dev/null || true
expect failure "no agent: curl refuses" get
lacks welcome
start_agent
sleep 0.2
expect 0 "and the servers need no restart" get
has welcome

# A user without a rule: refused, and told why.
sed -i '/www-data/s/www-data/bin/' "$work/ratlsd.yaml"
kill -HUP "$pid_of_ratlsd"
wait_for 10 grep -q "read again" "$work/ratlsd.log" || fail "the configuration is not read again"
expect failure "a user without a rule gets nothing" get
lacks welcome
has "for whom there is no rule" "$work/ratlsd.log"
port=$games_port
expect 0 "and others still do" get
