#!/bin/sh
# Unmodified curl holds a connection to the machine's unmodified nginx, and a program is run there
# that the policy does not allow. It ends with the next look at the machine, and the words name the
# program. So it is when the machine boots again, and somebody on the line hides that.
# shellcheck disable=SC2154
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

# How long an end may take: an interval, and what handshakes with an emulated processor take.
interval=2s end_s=15

watching() { # watching MAX-AGE PROGRAM...: only for start
    max_age=$1
    shift
    exec "$ratls" exec --policy "$policy" --module "$module" --watch=$interval \
        --max-age "$max_age" -- "$@"
}
customer() { # asks for a page each second, on one connection
    start curl watching 20s curl --silent --show-error --fail --fail-early --rate 60/m \
        --cacert "$images/server.pem" --resolve "$name:$port_of_web:$address" \
        "https://$name:$port_of_web/[1-600]"
    wait_for 30 lines 3 welcome "$work/curl.log" || fail "curl is not served"
}
lines() { # lines NUMBER WORD FILE: at least
    ended "$pid_of_curl" && fail "curl has ended"
    [ "$(grep -c "$2" "$3")" -ge "$1" ]
}
ends_with() { # ends_with CODE NAME WHAT
    eval "pid=\$pid_of_$2"
    wait_for 30 ended "$pid" || fail "$3: goes on"
    took=$(($(date +%s) - changed)) code=0
    wait "$pid" || code=$?
    [ "$code" -eq "$1" ] || fail "$3: ended with $code, not $1"
    [ "$took" -le "$end_s" ] || fail "$3: only after $took s"
    ok "$3 after $took s"
}

new_machine web
expose web 443 # at the same port after a boot
boot_machine web
accepted web "the machine is accepted"
customer
start watch "$ratls" watch "$address:$port_of_web" --server-name "$name" --policy "$policy" \
    --ca "$images/server.pem" --interval $interval --max-age 20s
wait_for 30 lines 2 accepted "$work/watch.log" || fail "ratls watch does not accept"
in_guest web /bin/unsigned-program
seen=$(grep -c accepted "$work/watch.log")
wait_for 30 lines $((seen + 2)) accepted "$work/watch.log" || fail "ratls watch does not go on"
ok "curl holds a connection, and programs that are allowed run beside it"

changed=$(date +%s)
run_script web /var/spy 'echo spying'
ends_with 1 curl "an attacker's program runs: curl's connection is reset"
has "1 connection ended" "$work/curl.log"
has ima.allow "$work/curl.log"
has /var/spy "$work/curl.log"
ends_with 1 watch "... and ratls watch ends"
has ima.allow "$work/watch.log"
has /var/spy "$work/watch.log"
refused web "nobody else is let in either" ima.allow /var/spy

# ---- on the good machine again; its boot ends the lease as well

in_guest web "rm /var/spy && sync"
reboot_machine web
accepted web "after a boot without it the machine is accepted again"
customer
ok "curl holds a connection"
stop curl

line=$(free_port)
start line "$python" "$support/recorder.py" --hold "$address" "$line" "$exposed" "$work/records"
wait_until_listening line "$line"
# It says nothing, and so can only be told.
start s_client watching 120s openssl s_client -connect "$address:$line" -servername "$name" \
    -CAfile "$images/server.pem" -brief
wait_for 30 grep -q 'Verification: OK' "$work/s_client.log" || fail "s_client does not connect"
reboot_machine web
changed=$(date +%s)
accepted web "after one more boot it is accepted, too"
ends_with 1 s_client "s_client does not go on over it: its connection is reset"
has "1 connection ended" "$work/s_client.log"
has rebooted "$work/s_client.log"
