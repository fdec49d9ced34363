# Sourced, behind lib.sh, by tests of servers that ask ratlsd.
# shellcheck shell=sh disable=SC2154,SC2034
ratlsd=$RATLS_BINARY_DIR/bin/ratlsd
[ -x "$ratlsd" ] || skip "ratlsd is not built"
socket=$work/run/agent.sock

# As root each has a user of its own.
agent_user=$(id -un)
server_user=$agent_user
if [ "$(id -u)" -eq 0 ]; then
    agent_user=daemon
    server_user=www-data
fi

agent_conf() { # agent_conf USER SERVICES: who may attest as what
    cat >"$work/ratlsd.yaml" <<END
state: $state
tcti: $tcti
boot-log: none
ima-list: none
socket: $socket
$([ "$(id -u)" -ne 0 ] || printf 'user: %s\nsocket-group: %s\n' "$agent_user" "$server_user")
clients:
  - user: $1
    services: $2
END
}

start_agent() {
    start ratlsd "$ratlsd" --config "$work/ratlsd.yaml"
    wait_for 10 asks_agent || fail "ratlsd does not start"
}

asks_agent() {
    "$ratlsd" --status --socket "$socket" >"$work/status" 2>&1
}
