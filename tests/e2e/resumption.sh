#!/bin/sh
# With max-age in the policy a session is resumed within the process that attested it, as long as
# the server's measured state is the same; never from a file. nginx with tickets, and with its own
# cache.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/resumption_lib.sh"
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

# One connection every two seconds, by one curl; *X-Resumed* of each is a line of $work/answers.
often_and_then_changed() {
    : >"$work/nginx-access.log"
    verifying curl --silent --show-error --fail --max-time 60 --rate 30/m \
        --cacert "$work/server.pem" --resolve "$name:$port:$address" \
        --header 'Connection: close' --output /dev/null \
        --write-out '%header{x-resumed}\n' "https://$name:$port/[1-8]" >"$work/answers" \
        2>"$work/curl.log" &
    pid=$!
    wait_for 30 six_answers
    extend_pcr 7
    wait "$pid"
}

# curl 8.10 and later keep a session as bytes, even within the process. A worker that has not looked
# at its state within a second does not wait for it; each of the two looks ahead from then.
expect_curls_answers() {
    curl_version=$(curl --version | sed -n '1s/^curl \([0-9.]*\).*/\1/p')
    oldest=$(printf '8.10.0\n%s\n' "$curl_version" | sort -V | head -n 1)
    least=3 most=5
    manner="resumes within its process, as long as the server's state is the same"
    [ "$oldest" != 8.10.0 ] || least=0 most=0 manner="does full handshakes: it keeps bytes"
    resumed=$(head -n 6 "$work/answers" | grep -c '^r$' || true)
    if [ "$resumed" -lt "$least" ] || [ "$resumed" -gt "$most" ]; then
        fail "curl: resumed $resumed of six times"
    fi
    ok "curl $curl_version $manner"
}

# A server's look at its state is up to a second old: until then it takes no ticket.
front_resumes() {
    through_front >"$work/answers" 2>&1 &&
        [ "$(tail -n 2 "$work/answers" | tr '\n' ' ')" = "r r " ]
}

python_gives() { # python_gives ANSWERS
    three_of_python >"$work/output.log" 2>&1 && [ "$(tr '\n' ' ' <"$work/output.log")" = "$1 " ]
}

six_answers() { # curl writes down what it saw when it ends; nginx does at once
    grep -q "GET /6" "$work/nginx-access.log"
}

connect() { # connect OPTION...
    printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "$name" | timeout 30 openssl s_client \
        -connect "$address:$port" -servername "$name" -CAfile "$work/server.pem" -ign_eof "$@"
}

serve
expect failure "curl is refused in the end" often_and_then_changed
expect_curls_answers
has pcr.value "$work/curl.log"
learn_policy
printf 'max-age: 10m\n' >>"$work/policies/server.yaml"

start_front
wait_for 1 front_resumes || fail "nginx does not resume"
ok "nginx resumes within its process"
extend_pcr 7
wait_for 20 front_is_refused || fail "nginx goes on resuming what is no longer true"
ok "but not when the state of the server has changed"
has 502 "$work/answers"
has pcr.value "$work/front-error.log"
stop front
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

# Python before 3.13 copies each session through its bytes, which say nothing of its past.
answers="full full full" manner="does full handshakes: it keeps bytes"
if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
    answers="full resumed resumed" manner="resumes within its process"
fi
wait_for 1 python_gives "$answers" || fail "Python: not $answers"
ok "$("$python" --version) $manner"
stop nginx

# Without tickets nginx keeps the sessions itself, for all its processes.
learn_policy
printf 'max-age: 10m\n' >>"$work/policies/server.yaml"
sed -i -e 's|ssl_protocols .*|&\n        ssl_session_tickets off;|' \
    -e 's|ssl_protocols .*|&\n        ssl_session_cache shared:s:1m;|' "$work/nginx.conf"
serve
expect failure "and with sessions that nginx keeps, too" often_and_then_changed
expect_curls_answers
has pcr.value "$work/curl.log"
