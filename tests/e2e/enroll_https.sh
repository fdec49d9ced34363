#!/bin/sh
# A CA's service behind a web server, as machines and clients reach it: whose certificate counts,
# what the CA revoked, and how clients get to know.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need nginx
"$ratls" ca serve --help >/dev/null 2>&1 || skip "this build has no service of a CA"
"$ratls" enroll ftp://none 2>&1 | grep -q "needs libcurl4" &&
    skip "this build cannot ask servers by HTTP"
make_machine one
make_ca </dev/null
serve_ca
port=$(free_port)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/web.key" \
    -out "$work/web.pem" -subj "/CN=web" -addext "subjectAltName=IP:$address" 2>/dev/null
cat >"$work/nginx.conf" <<END
pid $work/nginx.pid;
error_log $work/nginx-error.log;
events {}
http {
    access_log $work/nginx-access.log;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    server {
        listen $address:$port ssl;
        ssl_certificate $work/web.pem;
        ssl_certificate_key $work/web.key;
        location /enrol/ { proxy_pass http://unix:$ca/sock:/; }
    }
}
END
[ "$(id -u)" -ne 0 ] || sed -i '1i user root;' "$work/nginx.conf"
start nginx nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
url=https://$address:$port/enrol

# ---- machines

make_token --names one.test --uses 1
expect 3 "a web server that nobody knows gets nothing" on one "enroll $url" --ca "$ca/ca.crt" \
    --token-file "$token_file" one.test
has "name it with --tls-ca"
lacks "POST" "$work/nginx-access.log"
expect 0 "one that is known" on one "enroll $url" --ca "$ca/ca.crt" --tls-ca "$work/web.pem" \
    --token-file "$token_file" one.test
has "enrolled one.test until"
has "POST /enrol/v1/requests" "$work/nginx-access.log"
expect 3 "what is not a CA" on one "enroll https://$address:$port/" --force \
    --tls-ca "$work/web.pem"
has "not the service of a ratls CA"
expect 0 "a proxy of the environment does not count" env https_proxy=http://127.0.0.1:1 \
    ALL_PROXY=http://127.0.0.1:1 "$ratls" enroll "$url" --ca "$ca/ca.crt" --force \
    --tls-ca "$work/web.pem" --state "$work/one.state" --tcti "swtpm:path=$work/one/sock"

# ---- clients

cat >"$work/policy.yaml" <<END
policy: ratls-1
attestation-keys:
  - {issuer: ca/ca.crt, crl: revoked.crl, crl-url: "$url/v1/crl"}
pcrs: [{index: 7, sha256: ["$(printf '%064d' 7)"]}]
END
crl() {
    "$ratls" policy crl --tls-ca "$work/web.pem" "$work/policy.yaml"
}
expect 0 "the CA's list" crl
has "revoked.crl: replaced by list"
has "of 0 revoked certificates"
expect 0 "the policy can be loaded with it" "$ratls" policy explain "$work/policy.yaml"
expect 0 "the same again" crl
has "revoked.crl: unchanged"
expect 0 "what the CA revokes" at_ca revoke one.test
expect 0 "is in the next one" crl
has "revoked.crl: replaced by list"
serial=$(openssl x509 -in "$work/one.state/ak.crt" -noout -serial)
openssl crl -in "$work/revoked.crl" -inform DER -noout -text >"$work/list.log"
has "${serial#serial=}" "$work/list.log"
stop nginx
expect 3 "a web server that is away" crl
has "revoked.crl stays as it is"
