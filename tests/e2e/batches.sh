#!/bin/sh
# A TPM of 200 ms and 200 clients at once: with ssl-mode-async a handful of quotes serves them all,
# and a fast TPM, whose evidence is there before HAProxy could wait for it, does no harm. Nor does
# one that hangs, for which nobody waits any more.
. "$RATLS_SOURCE_DIR/tests/e2e/load_lib.sh"
need jq
prepare_load
for ms in 200 0; do
    start_slow_tpm "t$ms" "$ms"
    start_load_haproxy "t$ms" 2
done
start_slow_tpm one 200
start_load_haproxy one 1

crowd_of() { # crowd_of MS [OPTION...]: two hundred clients at once are all accepted
    ms=$1
    shift
    result=$(load_of "t$ms" --clients 200 --count 200 --seconds 60 --deadline 30 "$@") ||
        fail "handshakes failed: $result"
    [ "$(printf '%s\n' "$result" | jq .accepted)" -eq 200 ] || fail "not all accepted: $result"
    quotes=$(printf '%s\n' "$result" | jq .quotes)
    ok "200 clients at once are all accepted, by $quotes quotes of $ms ms"
}

crowd_of 200 --policy "$work/policies"
# Two or three if the machine is idle: clients connect for half a second where it is not.
{ [ "$quotes" -ge 1 ] && [ "$quotes" -le 12 ]; } || fail "$quotes quotes are not a handful"
# Nothing is lost by clients that are gone while their handshakes pause.
result=$(load_of t200 --rate 300 --seconds 2 --vanish --policy "$work/policies") ||
    fail "handshakes failed: $result"
vanished=$(printf '%s\n' "$result" | jq .vanished)
[ "$vanished" -gt 200 ] || fail "only $vanished clients have vanished: $result"
crowd_of 200 --policy "$work/policies"
[ "$quotes" -le 12 ] || fail "after $vanished clients that vanished $quotes quotes for 200"
# Of those that share a quote who has waited longest is served first: by the attester, and by
# HAProxy with one thread. Clients that connect at the same moment may change places before.
result=$(load_of one --rate 100 --seconds 3 --deadline 30 --policy "$work/policies") ||
    fail "handshakes failed: $result"
[ "$(printf '%s\n' "$result" | jq '.accepted > 100 and .overtaken * 20 < .accepted')" = true ] ||
    fail "not the oldest first: $result"
ok "the oldest first: $(printf '%s\n' "$result" | jq -r '"\(.overtaken) of \(.accepted) were not"')"
crowd_of 200
[ "$quotes" -eq 0 ] || fail "plain clients cost $quotes quotes"
crowd_of 0 --policy "$work/policies"
crowd_of 0

start_slow_tpm hung 0 --hang
start_load_haproxy hung 2
for state in "as it hangs" "while it is known to hang"; do
    result=$(load_of hung --clients 20 --count 20 --seconds 60 --deadline 30 \
        --policy "$work/policies") && fail "accepted by a TPM that hangs: $result"
    [ "$(printf '%s\n' "$result" | jq '.refused + .broken')" -eq 20 ] ||
        fail "not all refused: $result"
    ok "twenty clients of a TPM that hangs are refused, $state"
done
result=$(load_of hung --clients 20 --count 20) || fail "HAProxy does not serve any more: $result"
ok "and plain clients are served"
