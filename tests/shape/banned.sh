#!/bin/sh
# Functions that no file may call, and functions that the libraries may not call: they
# neither print, nor exit, nor read the environment.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
everywhere='strcpy|stpcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca|system|popen|tmpnam'
library='printf|vprintf|puts|putchar|perror|exit|_exit|getenv|secure_getenv|setenv'
found=0

search() { # search NAMES FOLDER...
    names=$1
    shift
    # In comments a name is not a call; strings with such text do not occur.
    find "$@" -name '*.[ch]' -exec \
        grep -nE "(^|[^_[:alnum:]>.\"])($names)[[:space:]]*\\(" /dev/null {} + |
        grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' || true
}

report() {
    if [ -n "$2" ]; then
        printf '%s:\n%s\n' "$1" "$2"
        found=1
    fi
}

report "banned" "$(search "$everywhere" libratls provider ca tools agent examples tests fuzz bench)"
report "banned in libraries" "$(search "$library" libratls/src libratls/attester)"
report "output of a library" \
    "$(grep -nE '[^_]std(err|out)' libratls/src/*.c libratls/attester/*.c || true)"
report "unbounded readers of what a peer sent" \
    "$(search 'cbor_load|Tss2_MU_[A-Za-z0-9_]*' libratls/src)"

# The search must find what it looks for.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'int f(char *a)\n{\n    return atoi(a) + (strcpy(a, ""), 0);\n}\n' >"$folder/canary.c"
[ -n "$(search "$everywhere" "$folder")" ] || { echo "the search finds nothing"; exit 1; }
exit "$found"
