#!/bin/sh
# With max-age in the policy a session is resumed within the process that attested it, as long as
# the server's measured state is the same; never from a file. nginx with tickets, and with its own
# cache.
. "$(dirname "$0")/lib.sh"
need curl nginx
prepare
printf 'max-age: 10m\n' >>"$work/policies/server.yaml"
use_example nginx.conf
# shellcheck disable=SC2016 # a variable of nginx
sed -i 's|ssl_protocols .*|&\n        add_header X-Resumed $ssl_session_reused;|' "$work/nginx.conf"

three_of_python() {
    printf '1\n2\n3\n' | verifying "$python" "$support/resume.py" "$address" "$port" "$name" \
        "$work/server.pem"
}

serve() {
    start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
    wait_until_listening nginx "$port"
}

# One connection every three seconds, by one curl; *X-Resumed* of each is a line of $work/answers.
four_times_and_changed() {
    : >"$work/nginx-access.log"
    verifying curl --silent --show-error --fail --max-time 60 --rate 20/m \
        --cacert "$work/server.pem" --resolve "$name:$port:$address" \
        --header 'Connection: close' --output /dev/null \
        --write-out '%header{x-resumed}\n' "https://$name:$port/[1-4]" >"$work/answers" \
        2>"$work/curl.log" &
    pid=$!
    wait_for 30 three_answers
    extend_pcr 7
    wait "$pid"
}

three_answers() { # curl writes down what it saw when it ends; nginx does at once
    grep -q "GET /3" "$work/nginx-access.log"
}

connect() { # connect OPTION...
    printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "$name" | timeout 30 openssl s_client \
        -connect "$address:$port" -servername "$name" -CAfile "$work/server.pem" -ign_eof "$@"
}

serve
expect failure "curl is refused in the end" four_times_and_changed
[ "$(head -n 3 "$work/answers" | tr '\n' ' ')" = ". r r " ] || fail "curl did not resume"
ok "curl resumes within its process, as long as the server's state is the same"
has pcr.value "$work/curl.log"
learn_policy
printf 'max-age: 10m\n' >>"$work/policies/server.yaml"

OPENSSL_CONF=$work/client.cnf
export OPENSSL_CONF
expect 0 "s_client keeps a session in a file" connect -sess_out "$work/session"
[ -s "$work/session" ] || fail "there is no session"
expect 0 "from a file it is not resumed: another process may have written it" \
    connect -sess_in "$work/session" -tlsextdebug
has "New, TLSv1.3"
has "id=65300"
unset OPENSSL_CONF

# Python copies each session through its bytes, which say nothing of its past.
expect 0 "Python does full handshakes" three_of_python
[ "$(sort -u "$work/output.log" | tr -d '\n')" = full ] || fail "Python resumed"
stop nginx

# Without tickets nginx keeps the sessions itself, for all its processes.
learn_policy
printf 'max-age: 10m\n' >>"$work/policies/server.yaml"
sed -i -e 's|ssl_protocols .*|&\n        ssl_session_tickets off;|' \
    -e 's|ssl_protocols .*|&\n        ssl_session_cache shared:s:1m;|' "$work/nginx.conf"
serve
expect failure "and with sessions that nginx keeps, too" four_times_and_changed
[ "$(head -n 3 "$work/answers" | tr '\n' ' ')" = ". r r " ] || fail "curl did not resume"
has pcr.value "$work/curl.log"
