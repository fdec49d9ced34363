#!/bin/sh
# Runs the cases of tables.txt with ProVerif 2.05, and prints them anew.
#   run.sh [GROUP...]   the groups that are named, or all; exit status 1 if a result is another
#   run.sh --sum        the sum of the models that tables.txt begins with; needs no ProVerif
# Environment: TMO seconds per case (300), JOBS cases at a time (2), OUT folder of the logs; a result
# that it has of these very models is not found again.
# A cell per goal: P proved, A attack found, ? neither, T no answer in time.
set -eu
cd "$(dirname "$0")"
# Of all models without their comments.
sum=$(find . -name '*.pv' -o -name '*.pvl' | LC_ALL=C sort | xargs cat |
    sed -z 's/(\*/\x01/g; s/\*)/\x02/g; s/\x01[^\x02]*\x02//g' | tr -d ' \n' | sha256sum |
    cut -c1-16)
TMO=${TMO:-300} JOBS=${JOBS:-2} logs=${OUT:-${TMPDIR:-/tmp}/ratls-formal-$(id -u)}/$sum

log_of() { # log_of CASE
    printf '%s/%s.log\n' "$logs" "$(printf '%s' "$1" | tr ' /=+' '_.~,')"
}

adversary() { # adversary LETTERS: the process of these letters, e.g. a+b; none: the network alone
    printf 'let Adversary(pki: skey, akca: skey, tik: skey, ak: skey) = 0'
    [ "$1" = none ] || for letter in $(printf '%s' "$1" | sed 's/all/a+b+c+d+k/' | tr '+' ' '); do
        printf ' | Adv_%s(pki, akca, tik, ak)' "$letter"
    done
    echo .
}

one() { # one CASE: runs it; the row goes into LOG.row
    log=$(log_of "$1")
    [ ! -s "$log.row" ] || return 0
    # shellcheck disable=SC2086 # a case is words
    set -- $1
    main=$1
    shift
    dh=ideal ev=direct leak=none share=fresh letters=none before='' after='' how=exporter
    for word; do
        case $word in
        adv=*) letters=${word#adv=} ;;
        dh/*) dh=${word#*/} ;;
        ev/*) ev=${word#*/} ;;
        leak/*) leak=${word#*/} ;;
        share/*) share=${word#*/} ;;
        how/*) how=${word#*/} ;;
        *) before="$before -lib $word.pvl" ;;
        esac
    done
    case $main in
    server-auth | by-mode | secrecy | forward-secrecy | epoch | passport)
        before="-lib dh/$dh.pvl $before -lib ev/$ev.pvl -lib leak/$leak.pvl -lib roles.pvl"
        after="-lib share/$share.pvl $after" ;;
    mutual*)
        before="-lib dh/$dh.pvl $before -lib ev/$ev.pvl -lib how/$how.pvl" ;;
    enrolment) before="-lib enrolment.pvl $before" ;;
    esac
    adversary "$letters" >"$log.adv.pvl"
    # shellcheck disable=SC2086 # lists of options
    timeout "$TMO" proverif -lib base.pvl -lib statement.pvl -lib adversary.pvl \
        -lib "$log.adv.pvl" $before $after "$main.pv" >"$log" 2>&1 || echo "no end: $?" >>"$log"
    awk -v name="$main${*:+ $*}" '
        /^RESULT \(/ { next }
        /^RESULT/ { r = r " " (/ is true\.$/ ? "P" : / is false\.$/ ? "A" : "?") }
        /^Error/ { err = 1 }
        /^no end: / { r = r " T" }
        END { if (err) r = " ERROR"
              printf "%s |%s\n", name, r }' "$log" >"$log.new"
    mv "$log.new" "$log.row"
}

case ${1:-} in
--sum) echo "$sum"; exit ;;
--one) one "$2"; exit ;;
esac
command -v proverif >/dev/null || { echo "proverif is not in PATH" >&2; exit 3; }
mkdir -p "$logs"
chosen=" $* "
group='' different=0
echo "models: $sum"

rows() { # the lines of tables.txt that were chosen
    while IFS= read -r line; do
        case $line in
        models:*) continue ;;
        "== "*) group=${line#== } ;;
        esac
        case $chosen in "  " | *" ${group:-none} "*) printf '%s\n' "$line" ;; esac
    done <tables.txt
}

rows | sed -n '/^#/d; s/ |.*//p' | tr '\n' '\0' | xargs -0 -r -P "$JOBS" -n 1 sh ./run.sh --one
rows >"$logs/rows"
while IFS= read -r line; do
    case $line in
    "#"*) printf '%s\n' "$line" ;;
    *" | "*)
        row=$(cat "$(log_of "${line%% |*}").row")
        echo "$row"
        if [ "$row" != "$line" ]; then
            echo "another result than in tables.txt: $line" >&2
            different=1
        fi ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$logs/rows"
exit "$different"
