#!/bin/sh
# A policy is made of every log of real machines that can have one: it says what the log says, no
# more and no less; the others are refused in words.
. "$(dirname "$0")/lib.sh"
corpus=$RATLS_SOURCE_DIR/../shared/corpus/eventlogs
[ -d "$corpus" ] || skip "no corpus at $corpus"
key=000b$(printf '%064d' 7)
learned=0 refused=0
for log in "$corpus"/*.bin; do
    policy=$work/$(basename "$log" .bin).yaml
    code=0
    "$ratls" policy learn --boot-log "$log" --ak-name "$key" --out "$policy" \
        >"$work/output.log" 2>&1 || code=$?
    if [ "$code" -ne 0 ]; then
        grep -qE "SHA-1 only|ratls policy learn: .*(event|header|bytes|nothing)" \
            "$work/output.log" || fail "$log: no words why: $(cat "$work/output.log")"
        [ ! -e "$policy" ] || fail "$log: refused, and written"
        refused=$((refused + 1))
        continue
    fi
    "$ratls" policy diff "$policy" "$log" >"$work/output.log" 2>&1 ||
        fail "$log: the policy does not allow what it was made of"
    "$ratls" policy update "$policy" --boot-log "$log" >"$work/output.log" 2>&1 ||
        fail "$log: update"
    grep -q "nothing to add" "$work/output.log" || fail "$log: an update adds something"
    "$ratls" policy explain "$policy" >"$work/output.log" 2>&1 || fail "$log: explain"
    learned=$((learned + 1))
done
[ "$learned" -ge 70 ] || fail "only $learned policies were learned"
[ "$refused" -le 30 ] || fail "$refused logs were refused"
ok "$learned policies, $refused logs that can have none"
