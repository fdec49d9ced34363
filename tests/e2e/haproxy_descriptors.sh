#!/bin/sh
# HAProxy with ssl-mode-async and more connections than it has descriptors for: as documented it
# neither aborts nor accepts anybody without proof; and it aborts where ratls-provider(7) says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slow_lib.sh"
need haproxy curl prlimit
# shellcheck disable=SC3045 # dash and bash have it
{
    ulimit -c 0
    hard=$(ulimit -Hn)
}
connections=24 clients=40
few=40 # less than HAProxy counts on, also without maxpipes: it raises the limit to its count
many=4096
[ "$hard" = unlimited ] || [ "$hard" -ge "$many" ] || skip "no $many descriptors"

prepare_slow 300
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
backend=$(free_port)
# Each connection to it is a third descriptor of a client's, for as long.
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests" 3
wait_until_listening backend "$backend"

start_limited() { # start_limited SOFT [LINE]: begins with this soft limit of open files
    port=$(free_port)
    use_haproxy
    sed -i -e "s/^global/&\n    nbthread 1\n    ssl-mode-async\n    ${2:-}/" \
        -e "s/^global/&\n    maxconn $connections/" "$work/haproxy.cfg"
    [ -z "${client_timeout:-}" ] ||
        sed -i "s/timeout client .*/timeout client $client_timeout/" "$work/haproxy.cfg"
    start haproxy prlimit --nofile="$1:$hard" env OPENSSL_CONF="$work/server.cnf" \
        haproxy -f "$work/haproxy.cfg"
    wait_until_listening haproxy "$port"
}

crowd() { # all at once: $served of them
    running_clients='' served=0
    for i in $(seq "$clients"); do
        get --output "$work/answer.$i" 2>"$work/crowd.$i.log" &
        running_clients="$running_clients $!"
    done
    for client in $running_clients; do
        if wait "$client"; then served=$((served + 1)); fi
    done
}

soft_limit() {
    awk '/^Max open files/ { print $4 }' "/proc/${pid_of_haproxy:?}/limits"
}

vanish() {
    "$python" "$support/vanish.py" ask "$address" "$port" "$work/hello" 300 20 0.2
}

is_exhausted() {
    [ "$(find "/proc/$pid_of_haproxy/fd" -type l | wc -l)" -ge "$(soft_limit)" ]
}

lives() {
    ended "$pid_of_haproxy" && fail "HAProxy has ended: $1"
    ok "HAProxy lives: $1"
}

# As documented: a descriptor for each handshake that pauses is counted on.
maxpipes="maxpipes $((connections / 2))"
start_limited "$many" "$maxpipes"
crowd
lives "$clients clients at once, $connections connections, maxpipes"
[ "$served" -eq "$clients" ] || fail "only $served of $clients clients were served"
stop haproxy

# HAProxy keeps the descriptors of handshakes whose clients are gone until the evidence is there,
# and may have more of them than connections. Behind the limit that it has raised there are none.
start keep "$python" "$support/vanish.py" keep "$address" "$port" "$work/hello"
wait_until_listening keep "$port"
expect failure "a client says hello" get
client_timeout=100ms
kill -STOP "${pid_of_mux:?}"
start_limited "$few" "$maxpipes"
[ "$(soft_limit)" -gt "$few" ] || fail "HAProxy counts on no more than $few"
start vanish vanish
wait_for 20 is_exhausted || fail "there is a descriptor left"
expect failure "a client that wants proof is not accepted" get --max-time 2
wait_for 60 ended "${pid_of_vanish:?}" || fail "the clients are not gone"
wait "$pid_of_vanish" || fail "HAProxy did not let three hundred clients connect"
lives "three hundred clients were gone, and all $(soft_limit) descriptors in use"
kill -CONT "$pid_of_mux"
kill -USR2 "$pid_of_mux" # from now on it answers at once
client_timeout=
wait_for 20 get >"$work/back.log" 2>&1 || fail "not accepted after the TPM has come back"
ok "the TPM goes on: clients are accepted again"
stop haproxy
kill -USR1 "$pid_of_mux"

# Without the one, the other.
start_limited "$few"
crowd
lives "$clients clients at once, a limit that it has raised, and no maxpipes"
wait_for 20 get >"$work/back.log" 2>&1 || fail "not accepted after the crowd"
stop haproxy

# With a limit above its count it aborts: without maxpipes at many clients, and with it at many that
# are gone. If it does not, ratls-provider(7) and the example are to be corrected.
aborted() {
    wait_for 10 ended "$pid_of_haproxy" || fail "HAProxy does not abort: $1"
    has "fd >= global.maxsock" "$work/haproxy.log"
}

# How many of a crowd are there at the same moment is up to the machine: one may be too few.
start_limited "$many"
for _ in 1 2 3 4 5 6; do
    ended "$pid_of_haproxy" || crowd
done
aborted "$clients clients at once, and no maxpipes"
kill -STOP "$pid_of_mux"
client_timeout=100ms
start_limited "$many" "$maxpipes"
expect failure "clients that are gone while the TPM is silent" vanish
aborted "three hundred clients that are gone"
