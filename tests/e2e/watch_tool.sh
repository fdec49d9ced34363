#!/bin/sh
# `ratls watch` beside programs: a line for each verdict, a command once the server falls; and what
# `ratls exec --watch` does where it may not touch a program's sockets.
# shellcheck disable=SC2154 # pid_of_ANYTHING is set by start
. "$(dirname "$0")/lib.sh"
need curl
prepare
start_mux --hang --disarmed
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
start_python_server attested

watch() { # watch [OPTION...]: only for start and expect
    exec "$ratls" watch "$address:$port" --server-name "$name" --ca "$work/server.pem" \
        --policy "$work/policies" --interval 1s "$@"
}
lines() { # lines WORD NAME: how many lines of NAME.log have it
    grep -c -- "$1" "$work/$2.log" || true
}
several() { # several WORD NAME NUMBER
    [ "$(lines "$1" "$2")" -ge "$3" ]
}
end_code() { # end_code NAME CODE WHAT
    eval "waited=\$pid_of_$1"
    wait_for 15 ended "$waited" || fail "$3: goes on"
    code=0
    wait "$waited" || code=$?
    [ "$code" -eq "$2" ] || fail "$3: ended with $code, not $2"
    ok "$3"
}

# ---- wrong usage

expect 2 "without a policy there is nothing to appraise by" "$ratls" watch "$address:$port"
expect 2 "verdicts that end before they are renewed" watch --max-age 1s
has "none would be renewed in time"
expect 2 "a time that is none" watch --max-age 5x
expect 2 "no policy speaks for the server" watch --server-name other.test
has "no policy speaks for other.test"
# With a server that is there: whoever mistypes a name is not to learn it when max-age is over.
expect 2 "certificate authorities that are not there" "$ratls" watch "$address:$port" \
    --server-name "$name" --ca "$work/none.pem" --policy "$work/policies"
has "none.pem: no certificates (PEM) there"
expect 2 "--max-age without --watch" "$ratls" exec --policy "$work/policies" --max-age 5s true
expect 2 "--max-age shorter than --watch" "$ratls" exec --policy "$work/policies" --watch=30s \
    --max-age 10s true
has "--max-age must be longer than the time of --watch"
expect 3 "a time that is not part of --watch" "$ratls" exec --policy "$work/policies" \
    --watch 30s true
has "write --watch=30s"

# ---- nothing changes; it ends when it is told to

for signal in TERM INT; do
    start watch watch
    wait_for 15 several accepted watch 3 || fail "not three verdicts"
    grep -q '^....-..-..T..:..:..Z  accepted   .*, boot [0-9]*\.[0-9]*$' "$work/watch.log" ||
        fail "not a line for people"
    kill "-$signal" "$pid_of_watch"
    end_code watch 0 "after SIG$signal"
    [ "$(wc -l <"$work/watch.log")" -eq "$(lines accepted watch)" ] || fail "more than verdicts"
done

# ---- what ends ratls exec, ends the program, and the other way round

beside() { # beside PROGRAM...: only for start and expect
    exec "$ratls" exec --watch=1s --policy "$work/policies" --module "$module" -- "$@"
}
expect 7 "the exit code of a program" beside sh -c 'exit 7'
# shellcheck disable=SC2016 # its own process id
expect 143 "... that a signal ends" beside sh -c 'kill -TERM $$'
start beside beside sh -c 'trap "exit 5" TERM; echo begun; while :; do sleep 0.1; done'
wait_for 10 several begun beside 1 || fail "the program does not begin"
kill -TERM "$pid_of_beside"
end_code beside 5 "SIGTERM is passed on"
# shellcheck disable=SC2016 # its own process id
start beside beside sh -c 'echo $$; exec sleep 1000'
wait_for 10 test -s "$work/beside.log" || fail "the program does not begin"
kill -KILL "$pid_of_beside"
wait_for 10 ended "$(cat "$work/beside.log")" || fail "the program outlives ratls exec"
ok "a program does not outlive ratls exec"

# ---- the certificate is renewed, with another key: the authorities vouch for it

cp "$work/server.pem" "$work/old.pem"
start watch watch --max-age 20s
start old watch --ca "$work/old.pem" --max-age 20s
start pinned "$ratls" watch "$address:$port" --server-name "$name" --insecure-no-pki \
    --policy "$work/policies" --interval 1s --max-age 20s
for watching in watch old pinned; do
    wait_for 15 several accepted "$watching" 1 || fail "no verdict of $watching"
done
stop python
make_certificate server
start_python_server attested
end_code pinned 1 "without authorities another key is not accepted"
has "replaced" "$work/pinned.log"
has "tls-key" "$work/pinned.log"
end_code old 1 "authorities that do not know it refuse it"
has "certificate: self-signed certificate" "$work/old.log"
before=$(lines accepted watch)
wait_for 15 several accepted watch $((before + 2)) || fail "authorities that know it do not do"
ok "authorities that know it do"
stop watch

# ---- a server that falls, and the command

# shellcheck disable=SC2016 # for another shell
reaction='echo "$RATLS_SERVER,$RATLS_CHECK" >>'$work/reaction'; cp "$RATLS_REPORT" '$work/report
start watch watch --json --on-refused "$reaction"
start twice watch --once-refused continue --on-refused "echo fell >>$work/falls"
wait_for 15 several accepted watch 2 || fail "not two verdicts"
wait_for 15 several accepted twice 2 || fail "not two verdicts"
extend_pcr 7
end_code watch 1 "a PCR that changes"
[ "$(cat "$work/reaction")" = "$address:$port,pcr.value" ] ||
    fail "the command: $(cat "$work/reaction")"
"$python" - "$work/watch.log" "$work/report" <<'PYTHON' || fail "the lines or the report"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) >= 3, lines
assert all(line["verdict"] == "accepted" and not line["fallen"] for line in lines[:-1]), lines
last = lines[-1]
assert last["verdict"] == "refused" and last["fallen"] and last["check"] == "pcr.value", last
report = json.load(open(sys.argv[2]))
assert not report["accepted"] and report["server"] == "server.test", report
assert [c["name"] for c in report["checks"] if c["verdict"] == "fail"] == ["pcr.value"], report
PYTHON
ok "... in JSON, and the report for the command"
wait_for 15 several refused twice 3 || fail "it does not go on"
running=$pid_of_twice
ended "$running" && fail "it ended"
[ "$(wc -l <"$work/falls")" -eq 1 ] || fail "the command ran more than once"
ok "it goes on, and reacts once"

# The state that the policy allows is the new one: that is a machine to begin with again.
learn_policy
stop twice
start twice watch --once-refused continue --on-refused "echo fell >>$work/falls"
wait_for 15 several accepted twice 1 || fail "it does not accept the new state"
extend_pcr 6
wait_for 15 several refused twice 1 || fail "it does not refuse"
reacted() {
    [ "$(wc -l <"$work/falls")" -eq "$1" ]
}
wait_for 5 reacted 2 || fail "no reaction"
learn_policy
stop twice

# ---- silence

start watch watch --max-age 3s --on-refused "echo \$RATLS_CHECK >$work/silence"
wait_for 15 several accepted watch 1 || fail "no verdict"
kill -USR1 "$pid_of_mux"
end_code watch 1 "a TPM that does not answer any more"
has "silent" "$work/watch.log"
[ "$(cat "$work/silence")" = max-age ] || fail "the command: $(cat "$work/silence")"
kill -USR2 "$pid_of_mux"
start watch "$ratls" watch "$address:1" --server-name "$name" --policy "$work/policies" \
    --interval 1s --max-age 2s
end_code watch 1 "a server that was never there"
has "unreached" "$work/watch.log"

# ---- a program whose sockets are its own: it ends, for its connections cannot

[ "$(id -u)" -eq 0 ] || skip "only root can become somebody who may not look at a program"
need setpriv
cat >"$work/hidden.py" <<'PYTHON'
import ctypes, signal, socket, ssl, sys

address, port, name, ca, done = sys.argv[1:6]
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: as ssh-agent does
if sys.argv[6] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
context = ssl.create_default_context(cafile=ca)
with socket.create_connection((address, int(port))) as connection:
    with context.wrap_socket(connection, server_hostname=name) as tls:
        open(done, "w").write("connected\n")
        tls.recv(1)
        signal.pause()
PYTHON
mkdir "$work/open"
chmod 1777 "$work/open"
chmod 755 "$work/policies"
chmod 644 "$work"/policies/* "$work/server.pem" "$work/hidden.py"
hidden() { # hidden NAME HOW
    rm -f "$work/open/$1"
    start "$1" setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_RUNTIME_DIR \
        "$ratls" exec --watch=1s --policy "$work/policies" --module "$module" -- "$python" \
        "$work/hidden.py" "$address" "$port" "$name" "$work/server.pem" "$work/open/$1" "$2"
    wait_for 20 test -s "$work/open/$1" || fail "$1 does not connect"
}
setpriv --reuid 65534 --regid 65534 --clear-groups "$ratls" --version >/dev/null 2>&1 ||
    skip "the tool lies where only root may go"
hidden polite polite
hidden stubborn stubborn
sleep 2
ended "$pid_of_polite" && fail "it ended by itself"
extend_pcr 5
end_code polite 1 "a program that hides its sockets is asked to end"
has "with the program" "$work/polite.log"
end_code stubborn 1 "... and killed if it does not"
