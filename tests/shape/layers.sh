#!/bin/sh
# Fails when a source file includes a header of a higher layer (layers.txt), or when a program of
# examples/ includes anything but the public headers.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
set -- libratls/src/*.[ch] libratls/attester/*.[ch] provider/*.[ch] ca/*.[ch] tools/*.[ch] \
    agent/*.[ch]

awk '
function base(path) { sub(/.*\//, "", path); return path }
# The layer of a name: its own line, else that of the longest beginning of it with a final star.
function find(name,   i) {
    if (name in layer) return layer[name]
    for (i = length(name); i > 0; i--)
        if ((substr(name, 1, i) "*") in layer) return layer[substr(name, 1, i) "*"]
    return 0
}
function folder(path) { sub(/\/[^\/]*$/, "", path); return base(path) "/" }
FILENAME == ARGV[1] {
    if ($0 ~ /^#/) next
    n++
    for (i = 1; i <= NF; i++) layer[$i] = n
    next
}
FNR == 1 {
    name = base(FILENAME); sub(/\.[ch]$/, "", name)
    own = folder(FILENAME)
    key = own in layer ? own : name
    files++
    if (!find(key)) { print FILENAME ": in no layer"; bad = 1 }
}
/^[[:space:]]*#[[:space:]]*include[[:space:]]+"/ {
    split($0, quoted, "\"")
    header = quoted[2]; dir = FILENAME; sub(/[^\/]*$/, "", dir)
    if ((getline line < (dir header)) >= 0) target = own in layer ? own : header
    else if ((getline line < ("libratls/src/" header)) >= 0) target = header
    else if ((getline line < ("libratls/attester/" header)) >= 0) target = "attester/"
    else if ((getline line < ("ca/" header)) >= 0) target = "ca/"
    else if ((getline line < ("tools/" header)) >= 0) target = "tools/"
    else target = "?"
    sub(/\.h$/, "", target)
    includes++
    if (own == "src/" && target == "attester/") target = "?"
    if (!find(target)) { print FILENAME ":" FNR ": " header " is in no layer"; bad = 1 }
    else if (find(target) > find(key)) {
        print FILENAME ":" FNR ": includes " header ", which is in a layer above"; bad = 1
    }
}
END { print files " files, " includes " includes"; exit bad || !files || !includes }
' tests/shape/layers.txt "$@"

if grep -n '#include "' examples/*/*.c; then
    echo "an example uses an internal header"
    exit 1
fi
