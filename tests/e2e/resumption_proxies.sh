#!/bin/sh
# Sessions of HAProxy and stunnel as attested servers, resumed by an nginx that verifies: HAProxy's
# lapse when the measured state changes. stunnel has a ticket callback of its own in place of ours,
# so that with it the client's max-age alone ends them, as ratls-provider(7) says.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/resumption_lib.sh"
need haproxy stunnel curl nginx
prepare
backend=$(free_port)
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
wait_until_listening backend "$backend"

learn() { # learn MAX-AGE
    learn_policy
    printf 'max-age: %s\n' "$1" >>"$work/policies/server.yaml"
}

# ---- HAProxy, whose answers say whether the session was resumed

cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
use_haproxy
sed -i 's|^frontend attested|&\n    http-response set-header X-Resumed %[ssl_fc_is_resumed]|' \
    "$work/haproxy.cfg"
resumes() {
    through_front >"$work/answers" 2>&1 &&
        [ "$(tail -n 2 "$work/answers" | tr '\n' ' ')" = "1 1 " ]
}

learn 10m
start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"
start_front
wait_for 3 resumes || fail "nginx does not resume sessions of HAProxy"
ok "nginx resumes sessions of HAProxy"
extend_pcr 7
wait_for 20 front_is_refused || fail "HAProxy goes on resuming what is no longer true"
ok "but not when the state of HAProxy's machine has changed"
has 502 "$work/answers"
has pcr.value "$work/front-error.log"
stop front
stop haproxy

# Without tickets HAProxy keeps the sessions itself, for all its processes and threads.
learn 10m
sed -i 's|\(bind .*\)|\1 no-tls-tickets|' "$work/haproxy.cfg"
start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
wait_until_listening haproxy "$port"
: >"$work/front-error.log"
start_front
wait_for 3 resumes || fail "nginx does not resume sessions that HAProxy keeps"
ok "nginx resumes sessions that HAProxy keeps"
extend_pcr 7
wait_for 20 front_is_refused || fail "HAProxy goes on resuming what it keeps"
ok "but not when the state has changed"
has pcr.value "$work/front-error.log"
stop front
stop haproxy

# ---- stunnel, whose log says so

learn 20s
use_example stunnel.conf
sed -i 's|^debug = .*|debug = info|' "$work/stunnel.conf"
start stunnel env OPENSSL_CONF="$work/server.cnf" stunnel "$work/stunnel.conf"
wait_until_listening stunnel "$port"
: >"$work/front-error.log"
start_front
began=$(date +%s)
reused() { # how many sessions stunnel has resumed
    grep -c "previous session reused" "$work/stunnel.log" || true
}
through_front >"$work/answers" 2>&1 || fail "nginx does not accept stunnel"
through_front >"$work/answers" 2>&1 || fail "nginx does not accept stunnel"
[ "$(reused)" -gt 0 ] || fail "nginx does not resume sessions of stunnel"
ok "nginx resumes sessions of stunnel"
extend_pcr 7
before=$(reused)
through_front >"$work/answers" 2>&1 || fail "stunnel forgets a session before its time"
[ "$(reused)" -gt "$before" ] || fail "that was no session of before"
ok "also when its state has changed: stunnel has taken the ticket callback"
wait_for 40 front_is_refused || fail "the session outlives max-age"
ok "until max-age is over, after $(($(date +%s) - began)) s"
has pcr.value "$work/front-error.log"
