#!/bin/sh
# The demonstration does what it says.
. "$(dirname "$0")/lib.sh"
need swtpm nginx curl
RATLS_BUILD=$RATLS_BINARY_DIR
export RATLS_BUILD
expect 0 "scripts/demo.sh" sh "$RATLS_SOURCE_DIR/scripts/demo.sh"
has "ACCEPTED"
has "REFUSED  bank.example: pcr.value"
has "The requests that nginx saw: 1"
has "REFUSED  bank.example: evidence.present"
has "== done: accepted once, refused twice"
