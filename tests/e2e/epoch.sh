#!/bin/sh
# An unmodified nginx with a TPM that takes 300 ms for a quote: within one epoch all connections of
# curl share a quote. Whose policy wants more, or believes another clock, gets no less.
. "$(dirname "$0")/lib.sh"
need nginx curl
prepare
start_mux --delay-ms 300 --tally "$work/quotes"
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"

make_authority() { # make_authority FILE: a time stamp authority
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" \
        -out "$work/$1.pem" -days 30 -subj "/CN=$1" 2>"$work/req.log" \
        -addext "extendedKeyUsage=critical,timeStamping" -addext "basicConstraints=CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature"
    cp "$work/$1.pem" "$work/policies/$1.pem"
}
make_authority tsa
make_authority other
tsa_port=$(free_port)
start tsa "$python" "$support/tsa.py" "$address" "$tsa_port" "$work"
wait_until_listening tsa "$tsa_port"

cp "$work/policies/server.yaml" "$work/learned"
use_policy() { # use_policy LINE...: as learned, with these lines more
    cp "$work/learned" "$work/policies/server.yaml"
    printf '%s\n' "$@" >>"$work/policies/server.yaml"
}
of_epoch() { # of_epoch WITHIN AUTHORITY
    use_policy "freshness: epoch" "epoch: {within: $1, authorities: [$2.pem]}"
}
of_epoch 60s tsa

# One worker: each has epochs of its own.
start_nginx() { # start_nginx SECONDS: that a time stamp is used
    cp "$work/server.cnf" "$work/attester.cnf"
    printf 'epoch = http://%s:%s/\nepoch-seconds = %s\n' "$address" "$tsa_port" "$1" \
        >>"$work/attester.cnf"
    start nginx env OPENSSL_CONF="$work/attester.cnf" nginx -c "$work/nginx.conf" \
        -g 'daemon off;'
    wait_until_listening nginx "$port"
}
use_example nginx.conf
sed -i '/^worker_processes/d' "$work/nginx.conf"
echo 'worker_processes 1;' >>"$work/nginx.conf"

quotes() {
    wc -l <"$work/quotes"
}
asked() {
    [ -s "$work/asked" ]
}
shares() { # two connections that cost no quote
    get >/dev/null && before=$(quotes) && get >/dev/null && [ "$(quotes)" -eq "$before" ]
}
now_ms() {
    awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}

start_nginx 600
expect 0 "curl accepts a quote for its nonce before there is a time stamp" get
wait_for 10 asked || fail "the server asks for no time stamp"
ok "... and the server asks for a time stamp"
wait_for 20 shares || fail "connections do not share a quote"
before=$(quotes)
begin=$(now_ms)
i=0
while [ "$i" -lt 20 ]; do
    get --output "$work/page" || fail "connection $i was refused"
    i=$((i + 1))
done
took=$(($(now_ms) - begin))
[ "$(quotes)" -eq "$before" ] || fail "twenty connections cost $(($(quotes) - before)) quotes"
ok "twenty connections of curl cost no quote: $took ms, and 20 quotes would take 6000 ms"
begin=$(now_ms)
i=0
while [ "$i" -lt 20 ]; do
    # shellcheck disable=SC2119 # it has no options of ours
    plain_get >"$work/page" || fail "a client without ratls was refused"
    i=$((i + 1))
done
ok "twenty without ratls: $(($(now_ms) - begin)) ms"

"$ratls" probe --policy "$work/policies" --server-name "$name" --ca "$work/server.pem" \
    --save "$work/capture" "$address:$port" >"$work/probe.log" 2>&1 || fail "ratls probe"
expect 0 "the tool shows what came" "$ratls" show "$work/capture"
has "Time stamp (of the epoch)"
has "Statement of the session"
expect 0 "and verifies it later, as of then" "$ratls" verify --policy "$work/policies" \
    "$work/capture"

of_epoch 60s other
expect 35 "a time stamp of another authority is refused" get
has epoch.token
of_epoch 1s tsa
sleep 3
expect 35 "one that is too old is refused" get
has epoch.age
cp "$work/learned" "$work/policies/server.yaml"
before=$(quotes)
expect 0 "a policy that wants its nonce gets it" get
[ "$(quotes)" -eq "$((before + 1))" ] || fail "that cost no quote"
ok "... for a quote of its own"

of_epoch 10m tsa
expect 0 "before the machine changes, curl accepts it" get
stop nginx
start_nginx 4
wait_for 20 shares || fail "connections do not share a quote"
extend_pcr 7
refused() {
    ! get >"$work/refused.log" 2>&1
}
wait_for 10 refused || fail "a machine in another state is accepted after an epoch"
grep -q pcr.value "$work/refused.log" || fail "refused for another reason"
ok "within one epoch after a PCR has changed, curl refuses"

learn_policy
cp "$work/policies/server.yaml" "$work/learned"
of_epoch 60s tsa
touch "$work/down"
sleep 5
before=$(quotes)
expect 0 "without time stamps connections go on" get
[ "$(quotes)" -gt "$before" ] || fail "an epoch without end"
ok "... each with a quote of its own"
stop tsa
expect 0 "without the authority, too" get
