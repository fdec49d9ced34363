#!/bin/sh
# Server keys, groups and HelloRetryRequest: each with evidence, each refused after a PCR change.
. "$(dirname "$0")/lib.sh"
need curl
prepare
make_certificate ecdsa256 -newkey ec -pkeyopt ec_paramgen_curve:P-256
make_certificate ecdsa384 -newkey ec -pkeyopt ec_paramgen_curve:P-384
make_certificate rsa2048 -newkey rsa:2048
make_certificate ed25519 -newkey ed25519
server_port=$port

# serve CERTIFICATE GROUPS CIPHERSUITES
serve() {
    port=$server_port
    start s_server env OPENSSL_CONF="$work/server.cnf" openssl s_server -accept "$address:$port" \
        -cert "$work/$1.pem" -key "$work/$1.key" -groups "$2" -ciphersuites "$3" -www
    wait_until_listening s_server "$port"
    start_recorder
}

connect() { # connect CERTIFICATE GROUPS
    printf 'GET / HTTP/1.0\r\n\r\n' | OPENSSL_CONF=$work/client.cnf timeout 30 openssl s_client \
        -connect "$address:$port" -servername "$name" -CAfile "$work/$1.pem" -groups "$2" -ign_eof \
        >"$work/output.log" 2>&1
}

check() { # check accepted|refused CERTIFICATE SERVER-GROUPS CLIENT-GROUPS SUITE
    outcome=$1 certificate=$2 suite=$5
    what="$2, server $3, client $4, $5"
    serve "$certificate" "$3" "$suite"
    forget_records
    connect "$certificate" "$4" || true
    case $outcome in
    accepted)
        grep -q '^HTTP/1.0 200' "$work/output.log" || fail "not accepted: $what"
        grep -qF "Cipher is $suite" "$work/output.log" || fail "another cipher suite: $what"
        ;;
    refused)
        grep -qF pcr.value "$work/output.log" || fail "not refused for its PCR: $what"
        grep -q '^HTTP/1.0 200' "$work/output.log" && fail "not refused: $what"
        only_an_alert_left
        ;;
    esac
    ok "$outcome: $what"
    hellos=$(sed '/^23/,$d' "$work/records" | grep -c '^22 ')
    stop recorder
    stop s_server
}

aes128=TLS_AES_128_GCM_SHA256
aes256=TLS_AES_256_GCM_SHA384
chacha=TLS_CHACHA20_POLY1305_SHA256
all() { # all OUTCOME
    check "$1" ecdsa256 X25519 X25519 "$aes256"
    check "$1" ecdsa384 P-256 P-256 "$aes128"
    check "$1" rsa2048 X25519 X25519 "$aes128"
    check "$1" ed25519 X448 X448 "$chacha"
    [ "$hellos" -eq 1 ] || fail "$hellos ClientHellos without a HelloRetryRequest"
    check "$1" rsa2048 P-256 X25519:P-256 "$aes256"
    [ "$hellos" -eq 2 ] || fail "$hellos ClientHellos: there was no HelloRetryRequest"
    ok "... by a HelloRetryRequest"
}

all accepted
extend_pcr 7
all refused
