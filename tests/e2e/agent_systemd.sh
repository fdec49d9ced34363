#!/bin/sh
# What systemd sees of ratlsd: the socket that it passes, and what it is told (sd_notify).
. "$(dirname "$0")/lib.sh"
need systemd-socket-activate swtpm openssl "$python"
ratlsd=$RATLS_BINARY_DIR/bin/ratlsd
start_tpm tpm
init_machine state
cat >"$work/ratlsd.yaml" <<END
state: $state
socket: $work/never/agent.sock
boot-log: none
ima-list: none
clients: [{user: $(id -u), services: [default]}]
END
[ "$(id -u)" -ne 0 ] || echo "user: daemon" >>"$work/ratlsd.yaml"

# The socket is there before the agent, which begins with the first who connects.
start ratlsd systemd-socket-activate --seqpacket -l "$work/passed.sock" \
    "$ratlsd" --config "$work/ratlsd.yaml"
wait_for 10 takes_connections "$work/passed.sock" || fail "systemd-socket-activate does not listen"
expect 0 "a socket that systemd passes" "$ratlsd" --status --socket "$work/passed.sock"
has "ratls_connections 1"
[ ! -e "$work/never" ] || fail "it made a socket of its own"
ok "... and none of its own"
stop ratlsd

# Of another kind.
start wrong systemd-socket-activate -l "$work/stream.sock" "$ratlsd" --config "$work/ratlsd.yaml"
wait_for 10 takes_connections "$work/stream.sock" || fail "systemd-socket-activate does not listen"
"$python" -c 'import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$work/stream.sock"
wait_for 10 grep -q "ratlsd.socket must have ListenSequentialPacket=" "$work/wrong.log" ||
    fail "it takes a socket of another kind"
ok "a stream socket is refused"

# Ready, alive, reloading, ready, stopping: in this order, and the clock of the reload is now.
sed -i "s|^socket: .*|socket: $work/run/agent.sock|" "$work/ratlsd.yaml"
expect 0 "it tells systemd what it does" "$python" "$support/notified.py" "$work/notify" \
    "$ratlsd" --config "$work/ratlsd.yaml"
