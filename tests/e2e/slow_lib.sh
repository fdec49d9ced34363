# Sourced, behind lib.sh, by the tests of servers whose TPM is slow: how long a plain client waits
# beside attested ones.
# shellcheck shell=sh disable=SC2154
prepare_slow() { # prepare_slow MS: what a quote takes
    delay_ms=$1
    prepare
    start_mux --delay-ms "$delay_ms" --tally "$work/quotes"
    printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
}

prepare_slow_haproxy() { # prepare_slow_haproxy MS
    prepare_slow "$1"
    cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
    backend=$(free_port)
    start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
    wait_until_listening backend "$backend"
}

start_slow_haproxy() { # start_slow_haproxy [LINE]: of the global section
    use_haproxy
    sed -i "s/^global/&\n    nbthread 1\n    maxconn 600\n    maxpipes 300\n    ${1:-}/" \
        "$work/haproxy.cfg"
    start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
    wait_until_listening haproxy "$port"
}

now_ms() {
    awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}

quotes() {
    wc -l <"$work/quotes"
}

# Eight attested clients, and when the TPM works for the first of them one that is plain:
# $took_all and $took_plain, in milliseconds.
load() { # load SERVER
    expect 0 "curl accepts $1" get
    : >"$work/quotes"
    begin=$(now_ms)
    for i in 1 2 3 4 5 6 7 8; do
        get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
        eval "client_$i=$!"
    done
    wait_for 10 test -s "$work/quotes" || fail "the TPM is not asked"
    took_plain=$(now_ms)
    expect 0 "a plain client is served beside eight attested ones" plain_get
    took_plain=$(($(now_ms) - took_plain))
    for i in 1 2 3 4 5 6 7 8; do
        eval "wait \$client_$i" || fail "connection $i of eight at once was refused"
    done
    took_all=$(($(now_ms) - begin))
    ok "$1: the plain client waited $took_plain ms, all took $took_all ms and $(quotes) quotes"
}
