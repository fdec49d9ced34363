#!/bin/sh
# A reload is enough: nginx takes a new attestation key, and a client that goes on a new policy.
. "$(dirname "$0")/lib.sh"
need nginx curl
prepare
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
expect 0 "curl accepts the server" get

# A client that lives through a change of its policy: each connection has an SSL_CTX of its own.
cat >"$work/client.py" <<'PYTHON'
import socket, ssl, sys

address, port, name, ca = sys.argv[1:5]
for line in sys.stdin:
    context = ssl.create_default_context(cafile=ca)
    try:
        with socket.create_connection((address, int(port)), timeout=30) as connection:
            context.wrap_socket(connection, server_hostname=name).close()
        print("accepted", flush=True)
    except OSError as error:
        print("refused", type(error).__name__, flush=True)
PYTHON
mkfifo "$work/questions"
verifying "$python" "$work/client.py" "$address" "$port" "$name" "$work/server.pem" \
    <"$work/questions" >"$work/answers" 2>"$work/client.log" &
pids="$pids $!"
exec 8>"$work/questions"
answers=0
answered() {
    [ "$(wc -l <"$work/answers")" -ge "$answers" ]
}
ask() { # ask ANSWER WHAT
    answers=$((answers + 1))
    echo connect >&8
    wait_for 40 answered || fail "$2: no answer"
    tail -n 1 "$work/answers" | grep -q "^$1" || fail "$2: $(tail -n 1 "$work/answers")"
    ok "$2"
}
ask accepted "the client accepts the server"

"$ratls" init --replace --state "$state" --tcti "$tcti" >"$work/init.log" 2>&1 ||
    fail "ratls init --replace"
workers() {
    # shellcheck disable=SC2154 # set by start
    wc -w <"/proc/$pid_of_nginx/task/$pid_of_nginx/children"
}
before=$(workers)
kill -HUP "$pid_of_nginx"
reloaded() {
    ! get --user-agent reload >"$work/output.log" 2>&1 && grep -q ak.trust "$work/output.log"
}
wait_for 20 reloaded || fail "nginx does not attest with the new key after a reload"
ok "nginx attests with the new key, which the old policy refuses"
ask refused "the client refuses the new key, too"

learn_policy
# The old workers, whose key is gone, may still get a connection or two.
only_new_workers() {
    [ "$(workers)" -eq "$before" ]
}
wait_for 20 only_new_workers || fail "the old workers of nginx do not end"
expect 0 "curl accepts the new key by a new policy" get
ask accepted "the client goes by the new policy, without a restart"
printf 'policy: ratls-2\n' >"$work/policies/server.yaml"
ask refused "a policy that became wrong is not replaced by the one before"

# Below the folder of policies, and changed in place: nothing but the file itself tells.
learn_policy
mkdir "$work/policies/values"
printf '%064d  pcr:0\n' 0 >"$work/policies/values/more.sha256"
printf 'reference-values: [values/more.sha256]\n' >>"$work/policies/server.yaml"
ask accepted "the client reads a file that the policy names"
printf 'nonsense\n' >>"$work/policies/values/more.sha256"
ask refused "a file that the policy names became wrong"
printf '%064d  pcr:0\n' 0 >"$work/policies/values/more.sha256"
ask accepted "the file is right again"
