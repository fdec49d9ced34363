#!/bin/sh
# ratls ca serve: machines enrol at it, directly and through nginx with TLS as the example has it;
# it reads its configuration again, serves its CRL, and ends when it is told to.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need curl nginx
pid_of_ca_service=
"$ratls" ca serve --help >"$work/help.log" 2>&1 || true
grep -q -- "--listen" "$work/help.log" || skip "this build has no ratls ca serve"

direct() { # direct PATH [CURL OPTION...]
    path=$1
    shift
    curl --silent --show-error --max-time 30 --unix-socket "$ca/sock" "$@" "http://ca$path"
}
through() { # through PATH [CURL OPTION...]: by way of nginx
    path=$1
    shift
    curl --silent --show-error --max-time 30 --cacert "$work/server.pem" \
        --resolve "ca.test:$port:$address" "$@" "https://ca.test:$port$path"
}
status_of() { # status_of direct|through PATH [CURL OPTION...]: as a number
    "$@" --output "$work/body" --write-out '%{http_code}'
}

make_machine one
make_ca <<END
approval: {rules: [], tokens: allow, by-hand: refuse}
END

# ---- where it may listen
port=$(free_port)
expect 2 "not on every address" "$ratls" ca serve --config "$ca/ca.yaml" --listen "0.0.0.0:$port"
has "TLS"
expect 2 "not by a name" "$ratls" ca serve --config "$ca/ca.yaml" --listen "localhost:$port"
expect 2 "nor without a port" "$ratls" ca serve --config "$ca/ca.yaml" --listen 127.0.0.1
serve_ca
expect 2 "not where another one is" "$ratls" ca serve --config "$ca/ca.yaml" --listen "$ca_url"
has "listens there already"

# ---- a machine enrols
make_token --names one.test
expect 0 "with a token" enrol one --token-file "$token_file" one.test
expect 0 "the certificate is there" openssl x509 -in "$work/one.state/ak.crt" -noout -ext \
    subjectAltName
has "DNS:one.test"
expect 0 "the audit log is whole" at_ca audit --verify

# ---- through nginx
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -keyout "$work/server.key" -out "$work/server.pem" -subj "/CN=ca.test" \
    -addext "subjectAltName=DNS:ca.test,IP:$address" 2>"$work/req.log"
sed -e "s|/etc/ratls|$work|g" -e "s|/run/ratls/ca.sock|$ca/sock|" -e "s|/run/ratls|$work|g" \
    -e "s|0\\.0\\.0\\.0:8443|$address:$port|" "$examples/server/ca-nginx.conf" \
    >"$work/ca-nginx.conf"
# The socket is in a folder of this user's: so nginx's processes are, too.
sed -i "s/^user .*/user $(id -un) $(id -gn);/" "$work/ca-nginx.conf"
start ca_nginx nginx -p "$work" -c "$work/ca-nginx.conf" -g "daemon off;"
healthy() {
    [ "$(through /v1/health 2>"$work/health.log")" = ok ]
}
wait_for 10 healthy || fail "nginx does not reach the service"
make_machine two
make_token --names two.test
direct_url=$ca_url
ca_url=https://$address:$port
expect 0 "a machine enrols through nginx" enrol two --tls-ca "$work/server.pem" \
    --token-file "$token_file" two.test
ca_url=$direct_url
[ "$(status_of through /v1/metrics)" = 404 ] || fail "metrics through nginx"
[ "$(status_of direct /v1/metrics)" = 200 ] || fail "no metrics on the socket"
grep -q 'ratls_ca_answers_total{path="answers",code="200"} 2' "$work/body" ||
    fail "two enrolments are not counted"
[ "$(status_of direct /v1/metrics -H 'X-Forwarded-For: 192.0.2.1')" = 403 ] ||
    fail "metrics for somebody behind a proxy"
[ "$(status_of through /v1/ca)" = 200 ] || fail "no certificates of the issuers"
cmp -s "$work/body" "$ca/ca.crt" || openssl x509 -in "$work/body" -noout -checkend 0 ||
    fail "not the certificates of the issuers"
head -c 40000 /dev/zero >"$work/long"
[ "$(status_of through /v1/requests --data-binary "@$work/long")" = 413 ] || fail "too long"
[ "$(status_of direct /v1/requests --data-binary "@$work/long" \
    -H 'Content-Type: application/vnd.ratls.enroll+cbor')" = 413 ] || fail "too long"

# ---- the CRL, made anew when something was revoked
through /v1/crl >"$work/before.crl"
expect 0 "revoked" at_ca revoke one.test
through /v1/crl >"$work/after.crl"
expect 0 "the list before" openssl crl -inform DER -in "$work/before.crl" -noout -text
has "No Revoked Certificates"
expect 0 "the list behind, signed by the issuer" openssl crl -inform DER -in "$work/after.crl" \
    -noout -text -CAfile "$ca/ca.crt"
has "Serial Number"

# ---- read again
echo 'limits: {requests-per-minute: 2}' >>"$ca/ca.yaml"
kill -HUP "$pid_of_ca_service"
wait_for 20 grep -q "read again" "$work/ca_service.log" || fail "not read again"
codes=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
    codes="$codes $(status_of direct /v1/crl)"
done
case $codes in
*" 429"*) ;;
*) fail "the new limit does not count:$codes" ;;
esac
echo 'limit: wrong' >>"$ca/ca.yaml"
kill -HUP "$pid_of_ca_service"
wait_for 20 grep -q "stays as it was" "$work/ca_service.log" || fail "a wrong one was taken"
[ "$(direct /v1/health)" = ok ] || fail "it serves no longer"

# ---- its end
kill "$pid_of_ca_service"
wait_for 10 ended "$pid_of_ca_service" || fail "it does not end"
wait "$pid_of_ca_service" || fail "it ends with an error"
grep -q "ends" "$work/ca_service.log" || fail "it does not say that it ends"
[ ! -e "$ca/sock" ] || fail "its socket stays"
forget "$pid_of_ca_service"
expect 3 "the web server without a service" on two "enroll https://$address:$port" --force \
    --wait 1s --ca "$ca/ca.crt" --tls-ca "$work/server.pem"
has "HTTP status 502: the web server is there, the service behind it is not"
has "run the same command again"
sed -i '/^limit: wrong/d' "$ca/ca.yaml"
serve_ca
rm "$ca/sock"
echo "of somebody else" >"$ca/sock"
stop ca_service
grep -q "of somebody else" "$ca/sock" || fail "it removes what it did not make"
rm "$ca/sock"

# ---- a socket of systemd
if command -v systemd-socket-activate >/dev/null; then
    start activate systemd-socket-activate --listen="$work/passed" "$ratls" ca serve \
        --config "$ca/ca.yaml"
    wait_for 10 takes_connections "$work/passed" || fail "systemd-socket-activate does not listen"
    [ "$(curl --silent --max-time 30 --unix-socket "$work/passed" http://ca/v1/health)" = ok ] ||
        fail "not on the socket of systemd"
    stop activate
    [ -S "$work/passed" ] || fail "it removes the socket of systemd"
fi
