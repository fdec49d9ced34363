#!/bin/sh
# docs/identity.md: a CA, and how a server enrols: by files, and at a service behind nginx.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
. "$(dirname "$0")/life_lib.sh"

make_page_ca
steps "Enrol by files" 1
web www www.bank.example
steps "Enrol by files" 2 5
at_ca show "$ID" >"$work/show.log" 2>&1 || fail "ratls ca show"
has www.bank.example "$work/show.log"
steps "Enrol by files" 6 12
client_conf
trust_ca "crl: ca.crl"
expect 0 "the client accepts www" ask www www.bank.example
has welcome

# The service, behind a web server with a certificate of its own.
serve_ca
start_front "$name"
ca_url="https://$address:$port/ --tls-ca $work/front.pem"
steps "Enrol at a service" 1
step www "ratls init --replace --state $work/www.state --tcti swtpm:path=$work/www/sock"
steps "Enrol at a service" 2 3
expect 0 "the client accepts the new key" ask www www.bank.example
has welcome
steps "Enrol at a service" 4
has "nothing to do"
