# Sourced by lib.sh: what a client on this host says of a machine.
# shellcheck shell=sh disable=SC2154
. "$machine_scripts/record.sh"

# probe_machine NAME CODE WHAT [OPTION...]
probe_machine() {
    eval "port=\$port_of_$1"
    probe_code=$2 probe_what=$3
    shift 3
    set -- "$ratls" probe --policy "$policy" --server-name "$name" --ca "$images/server.pem" "$@" \
        "$address:$port"
    expect "$probe_code" "$probe_what" "$@"
    keep_verdict "$probe_what" "$work/words" "$@"
}

accepted() { # accepted NAME WHAT [OPTION...]
    accepted_name=$1 accepted_what=$2
    shift 2
    : >"$work/words"
    probe_machine "$accepted_name" 0 "$accepted_what" "$@"
}

# refused NAME WHAT CHECKS WORDS... [-- OPTION...]: by exactly these checks, and in these words.
refused() {
    refused_name=$1 refused_what=$2 refused_by=$3
    shift 3
    : >"$work/words"
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        printf '%s\n' "$1" >>"$work/words"
        shift
    done
    [ -s "$work/words" ] || fail "$refused_what: in which words?"
    [ $# -eq 0 ] || shift
    probe_machine "$refused_name" 1 "$refused_what" "$@"
    failed_are "$refused_by"
    while IFS= read -r words; do has "$words"; done <"$work/words"
}

# A server that was to attest and cannot ends the handshake by itself.
unattested() { # unattested NAME WHAT
    eval "port=\$port_of_$1"
    expect 3 "$2" "$ratls" probe --policy "$policy" --server-name "$name" \
        --ca "$images/server.pem" "$address:$port"
    has "ended the handshake: internal error; its own log says why"
}

# failed_are CHECKS [FILE]: the report, that of just now or there, names these, and no other.
failed_are() {
    wanted=$(echo "$1" | tr ' ' '\n' | sort -u | tr '\n' ' ')
    seen=$(sed -n 's/^  *FAIL  *\([^ ]*\).*/\1/p' "${2:-$work/output.log}" | sort -u | tr '\n' ' ')
    [ "$seen" = "$wanted" ] || fail "refused by: ${seen:-nothing}, not by: $wanted"
    ok "... by ${seen% }"
}

# good_again NAME: everything but its TPM is what it was; the client takes it as before.
good_again() {
    ! is_up "$1" || halt_machine "$1"
    copy_machine "$images" "$1"
    boot_machine "$1"
    accepted "$1" "the good machine is accepted again"
}
