# Sourced by verdict.sh. With RATLS_RECORD=FOLDER each verdict of a client is kept there, as
# tests/vectors/collect_machine.py reads it: what the client knew and was sent, its policy, its
# report, and what the scene expected of it.
# shellcheck shell=sh disable=SC2154

# keep_verdict WHAT WORDS PROBE...: PROBE is the command that has just given this verdict; it is run
# once more, for --save would change the exit status where no evidence comes. WORDS is a file.
keep_verdict() {
    [ -n "${RATLS_RECORD:-}" ] || return 0
    vector_number=$((${vector_number:-0} + 1))
    vector_script=$(basename "$0" .sh)
    vector=$RATLS_RECORD/$vector_script-$(printf %03d "$vector_number")
    rm -rf "$vector"
    mkdir -p "$vector/policy"
    {
        printf 'script = %s\nwhat = %s\n' "$vector_script" "$1"
        sed 's/^/words = /' "$2"
    } >"$vector/scene"
    shift 2
    "$@" --json --save "$vector/capture" </dev/null >"$vector/report.json" \
        2>"$vector/errors.log" || true
    while [ $# -gt 1 ]; do
        case $1 in
        --policy) keep_policy "$2" ;;
        --state) echo "state = $2" >>"$vector/scene" ;;
        esac
        shift
    done
}

keep_policy() { # keep_policy FILE: with what it names; the last one counts
    rm -f "$vector/policy/"*
    cp "$1" "$vector/policy/policy.yaml"
    for vector_file in "$(dirname "$1")"/*; do
        if grep -qF "${vector_file##*/}" "$1"; then cp "$vector_file" "$vector/policy/"; fi
    done
}
