#!/bin/sh
# Measures what attestation costs a handshake: plain and attested ones in turn, in one run.
# Options go to bench_handshake: --rounds N, --json (a last line for programs).
set -eu
cd "$(dirname "$0")/.."
sh scripts/install-packages.sh test >/dev/null
mkdir -p build
{ cmake --preset release -DBUILD_TESTING=ON &&
    cmake --build --preset release --target bench_handshake; } >build/bench.log 2>&1 ||
    { tail -n 40 build/bench.log >&2; exit 1; }
exec build/release/bin/bench_handshake "$@"
