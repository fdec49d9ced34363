#!/bin/sh
# no_switches.sh WEAK BINARY...: nothing that is installed can be told to check less for a test. The
# weaker binding of tests/support/spki_binding.c is linked into WEAK alone.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
weak=$1
shift
bad=0
has_weak_binding() {
    nm "$1" 2>/dev/null | grep -q '__wrap_ratls_'
}

has_weak_binding "$weak" || { echo "$weak: the search finds nothing"; exit 1; }
[ $# -gt 0 ]
for binary; do
    nm "$binary" >/dev/null || bad=1
    if has_weak_binding "$binary"; then
        echo "$binary: has the weaker binding of tests"
        bad=1
    fi
done
if grep -rnE 'RATLS_TEST|UNSAFE|FUZZING_BUILD_MODE' libratls provider ca tools agent; then
    echo "a switch for tests in what is installed"
    bad=1
fi
if grep -rn --include=CMakeLists.txt '^ *install(' tests fuzz bench; then
    echo "a test that is installed"
    bad=1
fi
exit "$bad"
