#!/bin/sh
# Builds and runs every test: with sanitizers (dev), without a TPM stack (client), and as it is
# installed (release), where the tests with real programs run too. The last line is
# "N passed, N failed".
#
#   test.sh [--guest] [PRESET...]     all three, if none is named
#
# --guest: in another Debian (test-debian.sh), without those that come out the same on each.
set -eu
cd "$(dirname "$0")/.."
packages="test"
left_out=
if [ "${1:-}" = --guest ]; then
    packages=guest
    left_out='-E ^shape\.shell$ -LE ^machine$'
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
    results=$PWD/build/$preset.junit.xml
    rm -f "$results"
    # shellcheck disable=SC2086 # a list of words
    ctest --preset "$preset" -j "$(nproc)" --no-tests=error $left_out --output-junit "$results" ||
        true
    if [ ! -s "$results" ]; then
        broken="$broken $preset"
        failed=$((failed + 1))
        return 0
    fi
    add_results "$results"
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
