#!/bin/sh
# A key that is sealed and one that is not, in the same software TPM, for bench_seal. Needs a build
# without sanitizers in RATLS_BINARY_DIR; scripts/bench.sh sees to it.
# usage: seal.sh [--rounds N] [--json]
set -eu
: "${RATLS_SOURCE_DIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${RATLS_BINARY_DIR:?}"
export RATLS_SOURCE_DIR
. "$RATLS_SOURCE_DIR/tests/e2e/lib.sh"
need swtpm

start_tpm tpm
init_machine plain
{
    "$ratls" seal key -o "$work/authority.key"
    "$ratls" init --state "$work/sealed" --tcti "$tcti" --seal-to-pcrs sha256:0-7 \
        --seal-authority "$work/authority.key.pub"
    "$ratls" seal authorize --now --state "$work/sealed" --key "$work/authority.key" \
        -o "$work/now.seal"
    "$ratls" seal install --state "$work/sealed" "$work/now.seal"
} >"$work/seal.log" 2>&1 || fail "a key cannot be sealed"
"$RATLS_BINARY_DIR/bin/bench_seal" "$@" "$work/plain" "$work/sealed"
