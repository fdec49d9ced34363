#!/bin/sh
# Prints files over 400 lines, functions over 50 and lines over 100 columns; fails if there are any.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "${RATLS_SOURCE_DIR:?}"

find cmake libratls provider ca tools agent examples tests fuzz bench scripts \
    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name CMakeLists.txt -o \
    -name '*.cmake' \) -print | sort >"$folder/files"
# shellcheck disable=SC2046 # names without spaces
awk '
function close_file() {
    if (lines > 400) { print last ": " lines " lines, 400 are allowed"; bad = 1 }
}
FNR == 1 { if (NR > 1) close_file(); last = FILENAME; open = 0; table = 0; files++ }
{ lines = FNR }
/clang-format off/ { table = 1 }
/clang-format on/ { table = 0 }
!table && length($0) > 100 {
    print FILENAME ":" FNR ": " length($0) " columns, 100 are allowed"; bad = 1
}
FILENAME ~ /\.[ch]$/ && /^\{/ { open = FNR }
FILENAME ~ /\.[ch]$/ && /^\}/ && open {
    if (FNR - open + 1 > 50) {
        print FILENAME ":" open ": a function of " FNR - open + 1 " lines, 50 are allowed"
        bad = 1
    }
    open = 0; functions++
}
END { close_file(); print files " files, " functions " functions"; exit bad || !functions }
' $(cat "$folder/files")
