#!/bin/sh
# Builds and runs every test: with sanitizers (dev), without a TPM stack (client), and as it is
# installed (release), where the tests with real programs run too. The last line is
# "N passed, N failed".
#
#   test.sh [--guest] [PRESET...]     all three, if none is named
#
# --guest: in another Debian (test-debian.sh), without those that come out the same on each. Of the
# machines in QEMU only the story is told: it has each way of refusing.
#
# RATLS_MACHINE=required: machines in QEMU that cannot be had are failures, not skipped.
# RATLS_CACHE_DIR: where the kernel of those machines is kept once it is there.
set -eu
cd "$(dirname "$0")/.."
packages="test"
left_out=
machines='.*'
if [ "${1:-}" = --guest ]; then
    packages=guest
    left_out='-E ^shape\.shell$'
    machines=story
    shift
fi
[ $# -gt 0 ] || set -- dev client release
sh scripts/install-packages.sh "$packages"

passed=0
failed=0
skipped=0
broken=

# A test that could not be started counts as failed; CTest itself calls it skipped.
add_results() {
    total=$(grep -c '^[[:space:]]*<testcase ' "$1" || true)
    good=$(grep -c '^[[:space:]]*<testcase .* status="run"' "$1" || true)
    quiet=$(grep -c '^[[:space:]]*<skipped message="SKIP_RETURN_CODE=' "$1" || true)
    passed=$((passed + good))
    skipped=$((skipped + quiet))
    failed=$((failed + total - good - quiet))
}

# Why tests were skipped, each reason once.
say_reasons() {
    sed -n 's/^\(.*<system-out>\)\{0,1\}\(skipped: .*\)/\2/p' "$1" | sort | uniq -c
}

# run_tests RESULTS OPTION...: false if not even results came.
run_tests() {
    results=$PWD/build/$1.xml
    shift
    rm -f "$results"
    ctest --preset "$preset" --output-junit "$results" "$@" || true
    [ -s "$results" ] || return 1
    add_results "$results"
    say_reasons "$results"
}

# Behind all others, and no more than two at a time: a guest's kernel loses patience with a TPM that
# gets no processor. Builds that cannot serve in a machine have no such tests.
run_machines() {
    at_once=$(nproc)
    [ "$at_once" -le 2 ] || at_once=2
    none=ignore
    [ "$preset" != release ] || [ "${RATLS_MACHINE:-}" != required ] || none=error
    began=$(date +%s)
    run_tests "$preset.machine.junit" -j "$at_once" -L '^machine$' -R "^machine[.]$machines\$" \
        --no-tests=$none || return 1
    [ "$total" -eq 0 ] || echo "machines: $(($(date +%s) - began)) seconds"
}

# Most tests wait more than they compute: for a TPM, a clock, each other.
at_a_time=$(($(nproc) + 1))

run_preset() {
    preset=$1
    echo "== $preset: build"
    if ! cmake --preset "$preset" -DBUILD_TESTING=ON >"build/$preset.configure.log" 2>&1 ||
        ! cmake --build --preset "$preset" >"build/$preset.build.log" 2>&1; then
        tail -n 40 "build/$preset.configure.log"
        if [ -e "build/$preset.build.log" ]; then
            grep -A 20 -E '^FAILED|error:' "build/$preset.build.log" | head -n 60
        fi
        broken="$broken $preset"
        failed=$((failed + 1))
        return 0
    fi
    echo "== $preset: test"
    # shellcheck disable=SC2086 # a list of words
    if ! run_tests "$preset.junit" -j "$at_a_time" -LE '^machine$' --no-tests=error $left_out ||
        ! run_machines; then
        broken="$broken $preset"
        failed=$((failed + 1))
    fi
    # It reads the tree, and comes out the same for each build.
    left_out='-E ^shape\.shell$'
}

mkdir -p build
for wanted; do
    run_preset "$wanted"
done

echo
[ -z "$broken" ] || echo "could not be built or run:$broken"
echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
