#!/bin/sh
# headers.sh CC: every header compiles alone and twice; the public ones also as C++.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
cc=$1
count=0
bad=0

compile() { # compile LANGUAGE STANDARD COMPILER HEADER
    if ! printf '#include "%s"\n#include "%s"\n' "$4" "$4" |
        "$3" -x "$1" "-std=$2" -fsyntax-only -Wall -Wextra -Werror -Ilibratls/include \
            -Ilibratls/src -; then
        echo "$4 does not compile alone as $2"
        bad=1
    fi
    count=$((count + 1))
}

for header in libratls/include/ratls/*.h; do
    name=ratls/${header##*/}
    compile c c11 "$cc" "$name"
    compile c++ c++11 g++ "$name"
    compile c++ c++20 g++ "$name"
done
for header in libratls/src/*.h; do
    compile c gnu11 "$cc" "${header##*/}"
done
echo "$count compiled"
[ "$count" -gt 20 ] || bad=1
exit "$bad"
