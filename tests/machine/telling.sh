# Sourced by what people read, behind lib.sh: chapters, commands as they are typed, what they print.
# Colour and a running clock on a terminal, plain text elsewhere. Everything is asserted as in the
# tests, but only what does not hold is mentioned.
# shellcheck shell=sh disable=SC2154,SC2034

# A terminal that is closed ends the machine, too. Who interrupts it wants no logs.
trap 'exit 129' HUP
trap '[ -z "${work:-}" ] || rm -f "$work"/*.log; exit 130' INT

ok() {
    checks=$((checks + 1))
}

bold='' green='' red='' faint='' normal=''
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$(printf '\033[1m') green=$(printf '\033[32m') red=$(printf '\033[31m')
    faint=$(printf '\033[2m') normal=$(printf '\033[0m')
fi

chapter() {
    printf '\n%s== %s%s\n\n' "$bold" "$*" "$normal"
}

tell() { # tell WORDS...: a paragraph
    printf '%s\n' "$*" | fold -s -w 96 | sed 's/ *$//'
}

gap() {
    echo
}

# What programs print stands apart from what is told, verdicts in their colour.
quote() {
    sed -e "s/^/    /" -e "s/REFUSED\|FAIL/$red&$normal/" -e "s/ACCEPTED/$green&$normal/"
}

# The report of "ratls probe" without the checks that hold: the first in full, the others by a line.
report() {
    awk '/^  (ok|-|not run) / { next } /^$/ { exit }
        /^  FAIL / { failed++ } failed < 2 || /^  FAIL /' | quote
}

prompt() { # prompt WHO COMMAND
    printf '%s%s%s %s\n' "$bold" "$1" "$normal" "$2"
}

# typed WHO CODE COMMAND [FILTER]: shows the command, runs exactly that in $work, and shows what
# it printed.
typed() {
    prompt "$1" "$3"
    expect "$2" "$3" sh -c "cd '$work' && $3"
    "${4:-quote}" <"$work/output.log"
}

# typed_in NAME WHO COMMAND [FILTER]: the same by root's shell in a machine; it must succeed.
typed_in() {
    prompt "$2" "$3"
    in_guest "$1" "$3" >"$work/output.log" 2>&1 || fail "in the machine $1: $3"
    ok "$3"
    "${4:-quote}" <"$work/output.log"
}

# start_clock WHAT, stop_clock: on a terminal, how long it takes already. It ends with this script.
start_clock() {
    clock_began=$(date +%s) pid_of_clock=''
    [ -t 1 ] || return 0
    while kill -0 $$ 2>/dev/null; do
        printf '\r%s... %s: %s s%s ' "$faint" "$1" $(($(date +%s) - clock_began)) "$normal"
        sleep 1
    done &
    pid_of_clock=$!
    pids="${pids:-} $pid_of_clock"
}

stop_clock() { # and $took is how many seconds it was
    took=$(($(date +%s) - clock_began))
    [ -n "$pid_of_clock" ] || return 0
    kill "$pid_of_clock" 2>/dev/null || true
    wait "$pid_of_clock" 2>/dev/null || true
    printf '\r%70s\r' ''
}

boot() { # boot NAME
    start_clock "the machine boots"
    boot_machine "$1"
    stop_clock
    tell "$faint(The machine boots. It serves after $took seconds.)$normal"
}
