#!/bin/sh
# The systemd units: systemd understands them, and finds little to complain of; and what ratlsd does
# needs no system call that its sandbox forbids.
. "$(dirname "$0")/lib.sh"
need systemd-analyze swtpm "$python"
units=$RATLS_BINARY_DIR/agent
pid_of_ratlsd=
mkdir "$work/units"

# The program is not installed yet, and no manual page is.
for unit in ratlsd.service ratlsd.socket; do
    sed -e "s|^ExecStart=[^ ]*|ExecStart=$RATLS_BINARY_DIR/bin/ratlsd|" -e '/^Documentation=/d' \
        "$units/$unit" >"$work/units/$unit"
done
expect 0 "systemd understands the units" systemd-analyze verify --man=no \
    "$work/units/ratlsd.service" "$work/units/ratlsd.socket"
lacks "ratlsd."
# Root's begin (1.1) is what is left to complain of: setuid, groups, and the folder of the key.
expect 0 "and the sandbox is strict" systemd-analyze security --offline=true --threshold=15 \
    "$work/units/ratlsd.service"
# The drop-in for time stamps is one, and opens nothing but the network.
mkdir "$work/units/ratlsd.service.d"
cp "$RATLS_SOURCE_DIR/agent/systemd/epoch.conf" "$work/units/ratlsd.service.d/"
expect 0 "also with the network" systemd-analyze verify --man=no "$work/units/ratlsd.service"
lacks "ratlsd."

command -v strace >/dev/null || skip "strace is missing; the rest passed"
start_tpm tpm
init_machine state
cat >"$work/ratlsd.yaml" <<END
state: $work/state
socket: $work/run/agent.sock
boot-log: none
ima-list: none
metrics: $work/metrics/ratlsd.prom
socket-group: $(id -g)
clients: [{user: $(id -u), services: [web]}]
END
mkdir "$work/metrics"
if [ "$(id -u)" -eq 0 ]; then
    echo "user: daemon" >>"$work/ratlsd.yaml"
    chown daemon "$work/metrics"
fi
start ratlsd strace -f -o "$work/calls" "$RATLS_BINARY_DIR/bin/ratlsd" --config "$work/ratlsd.yaml"
wait_for 20 takes_connections "$work/run/agent.sock" || fail "ratlsd does not begin"
expect 0 "ratlsd serves" "$RATLS_BINARY_DIR/bin/ratlsd" --status --socket "$work/run/agent.sock"
# A question of the codec's corpus: evidence for the service web.
expect 0 "and attests" "$python" -c 'import socket, sys
agent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
agent.connect(sys.argv[1])
agent.send(open(sys.argv[2], "rb").read())
answer = agent.recv(70000)
sys.exit(len(answer) < 500 or answer[3:4] != b"\0")' \
    "$work/run/agent.sock" "$RATLS_SOURCE_DIR/fuzz/corpus/agent_question/evidence"
wait_for 10 test -s "$work/metrics/ratlsd.prom" || fail "no metrics are written"
agent=$(pgrep -P "$pid_of_ratlsd")
kill -HUP "$agent"
wait_for 10 grep -q "read again" "$work/ratlsd.log" || fail "the configuration is not read again"
kill "$agent"
wait_for 10 ended "$agent" || fail "ratlsd does not end"
expect 0 "and its system calls are those that the sandbox allows" "$python" \
    "$support/allowed_calls.py" "$work/units/ratlsd.service" "$work/calls"
