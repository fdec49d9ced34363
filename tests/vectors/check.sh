#!/bin/sh
# regenerate.sh still works, and the vectors that it makes pass the test of those in the tree.
# usage: check.sh MAKE_VECTORS TEST_VECTORS...
set -eu
for program in openssl swtpm tpm2_quote python3; do
    command -v "$program" >/dev/null || { echo "skipped: $program is missing"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/tests/vectors"
source=${RATLS_SOURCE_DIR:?}
cp "$source/tests/vectors/regenerate.sh" "$source/tests/vectors/make_logs.py" \
    "$source/tests/vectors/make_enroll.py" "$source/tests/vectors/make_tls_key.py" \
    "$folder/tests/vectors"
sh "$folder/tests/vectors/regenerate.sh" "$1"
shift
for same in request.cbor challenge.cbor logs.evidence.cbor piece.cbor agent.values \
    agent.evidence-question.cbor agent.state-question.cbor agent.evidence-answer.cbor \
    agent.refusal.cbor enroll.values tls-key.values; do
    cmp "$folder/tests/vectors/$same" "$source/tests/vectors/$same"
done
if cmp -s "$folder/tests/vectors/handshake.leaf.bin" \
    "$source/tests/vectors/handshake.leaf.bin"; then
    echo "new keys gave the same leaf"
    exit 1
fi
for test in "$@"; do
    RATLS_SOURCE_DIR=$folder "$test"
done
RATLS_SOURCE_DIR=$folder python3 "$source/tests/e2e/show_measured.py"
