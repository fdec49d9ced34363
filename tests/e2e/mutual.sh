#!/bin/sh
# An unmodified nginx demands evidence of its clients, and an unmodified curl has some: two machines
# with a TPM each, by openssl.cnf alone.
. "$(dirname "$0")/lib.sh"
need nginx curl
. "$(dirname "$0")/mutual_lib.sh"
prepare
prepare_client app.test
use_example nginx.conf
wanted="ssl_client_certificate $work/app.pem; ssl_verify_client on;"
sed -i "s|^ *ssl_certificate_key .*|& $wanted|" "$work/nginx.conf"
demand_clients
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"

expect 0 "nginx accepts curl, which accepts nginx" attesting_get --user-agent before
has welcome
expect 0 "and again, by another connection" attesting_get --user-agent before
has before "$work/nginx-access.log"
lacks REFUSED "$work/nginx-error.log"

expect failure "a client without ratls is refused" certified_get --http1.1
has "REFUSED  app.test: evidence.present" "$work/nginx-error.log"
expect failure "so is one without a certificate" plain_get
expect failure "so is one that verifies and does not attest" get --cert "$work/app.pem" \
    --key "$work/app.key"
# A ticket or an older version is no way around.
expect failure "so is TLS 1.2" certified_get --tls-max 1.2

: >"$work/nginx-error.log"
extend_client 7
expect failure "curl is refused after a PCR of its machine has changed" attesting_get \
    --user-agent after
has "REFUSED  app.test: pcr.value" "$work/nginx-error.log"
lacks after "$work/nginx-access.log"

: >"$work/nginx-error.log"
use_other_client
expect failure "a machine whose key is not enrolled is refused" attesting_get --user-agent after
has "REFUSED  app.test: ak.trust" "$work/nginx-error.log"
lacks after "$work/nginx-access.log"
expect 0 "the tool, which asks and sends nothing, needs no evidence of its own" "$ratls" probe \
    --policy "$work/policies" --server-name "$name" --ca "$work/server.pem" "$address:$port"

# Failing closed: what is wrong with the policy for clients is no reason to let them in.
printf 'nonsense\n' >>"$work/clients/app.yaml"
stop nginx
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
expect failure "nobody is let in without a policy" attesting_get
has "app.yaml" "$work/nginx-error.log"
rm "$work/clients/app.yaml"
cp "$work/policies/server.yaml" "$work/clients/"
stop nginx
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
expect failure "a policy for servers is none for clients" attesting_get
has "no policy speaks for clients" "$work/nginx-error.log"
