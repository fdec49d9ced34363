#!/bin/sh
# An unmodified HAProxy with one thread and ssl-mode-async, whose TPM, or that of its agent, hangs
# for ten seconds while clients resume their sessions: plain clients are served as ever, nobody
# resumes what is not known to be true, and sessions are resumed again when the TPM is back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slow_lib.sh"
. "$(dirname "$0")/resumption_lib.sh"
. "$(dirname "$0")/agent_lib.sh"
need haproxy nginx curl
hang_ms=10000
prepare_slow_haproxy 0
printf 'max-age: 10m\n' >>"$work/policies/server.yaml"

start_haproxy() { # with what it says of the connection to who asked
    use_haproxy
    sed -i -e 's/^global/&\n    nbthread 1\n    maxconn 600\n    maxpipes 300/' \
        -e 's/^global/&\n    ssl-mode-async/' \
        -e 's/^frontend .*/&\n    http-response set-header X-Resumed %[ssl_fc_is_resumed]/' \
        -e "/^    \(user\|group\) /s/haproxy/$server_user/" "$work/haproxy.cfg"
    start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
    wait_until_listening haproxy "$port"
}

front_resumes() {
    through_front >"$work/answers" 2>&1 &&
        [ "$(tail -n 2 "$work/answers" | tr '\n' ' ')" = "1 1 " ]
}

knock() { # one that resumes, and for whose answer nobody waits here
    curl --silent --max-time 30 --output /dev/null --write-out '%{http_code} %header{x-resumed}\n' \
        "http://$address:$front/" >>"$work/knocks" 2>&1 &
    pids="$pids $!"
}

# Ten seconds in which those who resume come one behind the other, and plain ones between them.
hang() { # hang WHO: whose TPM it is
    : >"$work/knocks"
    kill -STOP "${pid_of_mux:?}"
    begin=$(now_ms)
    served=0 longest=0
    while [ $(($(now_ms) - begin)) -lt "$hang_ms" ]; do
        knock
        before=$(now_ms)
        plain_get >"$work/plain" 2>&1 || fail "a plain client is not served while the TPM hangs"
        took=$(($(now_ms) - before))
        [ "$took" -le "$longest" ] || longest=$took
        served=$((served + 1))
        sleep 0.1
    done
    kill -CONT "$pid_of_mux"
    # A thread that waited for the TPM would have stood still for its deadline, 5 s.
    [ "$longest" -lt $((hang_ms / 5)) ] || fail "a plain client waited for $longest ms"
    ok "$1 hung, and $served plain clients were served, none in more than $longest ms"
    wait_for 20 grep -q '^502' "$work/knocks" || fail "nobody came to the TPM: this tests nothing"
    # What was known when the TPM began to hang is good for a second, and no more.
    [ "$(grep -c '^200 1' "$work/knocks")" -lt $((served / 2)) ] || fail "resumed without a look"
    ok "$(grep -c '^502' "$work/knocks") clients were refused meanwhile, for want of evidence"
    wait_for 20 front_resumes || fail "nothing is resumed after the TPM has come back"
    ok "sessions are resumed again"
}

start_haproxy
start_front
wait_for 1 front_resumes || fail "nothing is resumed"
ok "clients of HAProxy resume"
hang "HAProxy's TPM"
stop haproxy

agent_conf "$server_user" '[default]'
start_agent
sed -i -e "s|^state = .*|agent = $socket|" -e '/^tcti = /d' "$work/server.cnf"
start_haproxy
wait_for 10 front_resumes || fail "nothing is resumed with an agent"
ok "clients resume where an agent has the TPM"
hang "the agent's TPM"

extend_pcr 7
wait_for 20 front_is_refused || fail "HAProxy goes on resuming what is no longer true"
ok "but not when the state of the server has changed"
has pcr.value "$work/front-error.log"
