#!/bin/sh
# A TPM that is slow: attested clients wait their turn, others do not wait at all.
. "$(dirname "$0")/lib.sh"
need curl
prepare
start_mux --hang --disarmed
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
start_python_server attested
expect 0 "curl accepts the server" get

kill -USR1 "${pid_of_mux:?}"
wait_for 10 test -e "$work/mux.armed" || fail "tpm_mux does not hang"
for i in 1 2 3 4 5 6 7 8; do
    get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
    eval "client_$i=$!"
done
wait_for 10 test -e "$work/mux.held" || fail "the TPM is not asked"
expect 0 "a plain client is served" plain_get
client=
for i in 1 2 3 4 5 6 7 8; do
    eval "client=\$client_$i"
    ended "$client" && fail "an attested client did not wait for the TPM"
done
ok "... while eight attested ones wait for the TPM"
kill -USR2 "${pid_of_mux:?}"
for i in 1 2 3 4 5 6 7 8; do
    eval "wait \$client_$i" || fail "connection $i of eight at once was refused"
done
ok "eight connections at once are all accepted"
