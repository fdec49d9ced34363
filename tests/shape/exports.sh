#!/bin/sh
# exports.sh LIBRARY MAP: the names that LIBRARY exports are exactly those of its version script.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Absolute symbols (A) are the version nodes.
nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort >"$folder/exported"
sed -n 's/^[[:space:]]*\([A-Za-z_0-9]*\);[[:space:]]*$/\1/p' "$2" | sort >"$folder/listed"
[ -s "$folder/listed" ] || { echo "$2 lists nothing"; exit 1; }
diff -u "$folder/listed" "$folder/exported"
