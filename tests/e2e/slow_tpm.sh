#!/bin/sh
# A TPM that takes 300 ms for a quote: attested clients wait their turn, others do not wait at all.
. "$(dirname "$0")/lib.sh"
need curl
prepare
start_mux --delay-ms 300
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
start_python_server attested

now_ms() {
    awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}
expect 0 "curl accepts the server" get

begin=$(now_ms)
for i in 1 2 3 4 5 6 7 8; do
    get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
    eval "client_$i=$!"
done
sleep 0.1
expect 0 "a plain client is served" plain_get
waiting=0 client=
for i in 1 2 3 4 5 6 7 8; do
    eval "client=\$client_$i"
    ended "$client" || waiting=$((waiting + 1))
done
[ "$waiting" -gt 0 ] || fail "the plain client was served after all others"
ok "... while $waiting attested ones wait for the TPM"
for i in 1 2 3 4 5 6 7 8; do
    eval "wait \$client_$i" || fail "connection $i of eight at once was refused"
done
took=$(($(now_ms) - begin))
[ "$took" -ge 300 ] || fail "the TPM was not slow"
ok "eight connections at once are all accepted, after $took ms"
