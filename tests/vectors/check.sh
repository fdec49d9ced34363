#!/bin/sh
# regenerate.sh still works, and the vectors that it makes pass the test of those in the tree.
# usage: check.sh MAKE_VECTORS TEST_VECTORS
set -eu
for program in openssl swtpm tpm2_quote; do
    command -v "$program" >/dev/null || { echo "skipped: $program is missing"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/tests/vectors"
cp "${RATLS_SOURCE_DIR:?}/tests/vectors/regenerate.sh" "$folder/tests/vectors"
sh "$folder/tests/vectors/regenerate.sh" "$1"
for same in request.cbor logs.evidence.cbor; do
    cmp "$folder/tests/vectors/$same" "$RATLS_SOURCE_DIR/tests/vectors/$same"
done
if cmp -s "$folder/tests/vectors/handshake.leaf.bin" \
    "$RATLS_SOURCE_DIR/tests/vectors/handshake.leaf.bin"; then
    echo "new keys gave the same leaf"
    exit 1
fi
RATLS_SOURCE_DIR=$folder "$2"
