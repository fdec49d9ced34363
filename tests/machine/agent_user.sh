#!/bin/sh
# Another server on the same machine, of another user, who has stolen the TLS key of the first: the
# agent tells them apart by who asks.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

# The operator's changes lie on /run, so that the list of measured files stays as it is.
agent_with() { # agent_with RULE: besides that of www-data, and everybody may connect
    in_guest web "killall ratlsd; rm -f /run/ratls/agent.sock;\
 { cat /etc/ratls/ratlsd.yaml; echo '$1'; echo 'socket-mode: 0666'; } >/run/operator/ratlsd.yaml;\
 sed -i /^socket-group/d /run/operator/ratlsd.yaml;\
 /usr/sbin/ratlsd --config /run/operator/ratlsd.yaml >/dev/ttyS0 2>&1 &\
 until [ -S /run/ratls/agent.sock ]; do sleep 0.1; done"
}

new_machine web
expose web 8443
boot_machine web
accepted web "the machine is accepted"

in_guest web "mkdir -m 755 /run/operator /run/app; cp /etc/ratls/server.* /run/app/;\
 sed -e '/^user/d; s|/run/nginx|/run/app/nginx|; s|/dev/ttyS0|/run/app/log|; s|443|8443|'\
 -e 's|/etc/ratls/server|/run/app/server|' /etc/nginx.conf >/run/app/nginx.conf;\
 chown -R app /run/app;\
 su app -c 'nginx -c /run/app/nginx.conf'"
# shellcheck disable=SC2034,SC2154 # port_of_app is for refused, exposed of expose
port_of_app=$exposed
refused app "a server of another user, with the stolen TLS key, that does not attest" \
    evidence.present "expected  evidence for this session (handshake)" "seen      none"
accepted web "the bank's server beside it is accepted"
in_guest web "kill -QUIT \$(cat /run/app/nginx.pid);\
 while [ -e /run/app/nginx.pid ]; do sleep 0.1; done;\
 su app -c 'OPENSSL_CONF=/etc/ratls/openssl.cnf nginx -c /run/app/nginx.conf'"
app_log_has() {
    in_guest web "cat /run/app/log" >"$work/app.log"
    has "$1" "$work/app.log"
}

unattested app "a server of another user, that asks the agent, gets no evidence"
app_log_has "permission denied: add the user app to the group _ratls"
accepted web "the bank's server beside it goes on"

agent_with ''
unattested app "it may connect to the agent, which has no rule for it"
app_log_has "may ask the agent for nothing: add a rule for this user"
has "refused a connection of user 1000, for whom there is no rule" "$work/console_web.log"
accepted web "the bank's server beside it goes on"

agent_with '  - {user: app, services: [reports]}'
refused app "it has a rule of its own, as another service" statement.service \
    "expected  default" "seen      reports"
accepted web "the bank's server beside it goes on"
