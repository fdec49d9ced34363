#!/bin/sh
# Every script is clean by shellcheck and parses in dash; codespell finds nothing in the texts.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
# shellcheck disable=SC2046 # names without spaces
set -- $(find scripts tests fuzz bench examples formal -name "*.sh" | sort)
# An archive of the source does not have it.
[ ! -e .ci/run ] || set -- "$@" .ci/run
[ $# -gt 10 ]
shellcheck -x -P SCRIPTDIR -s sh "$@"
for script; do
    dash -n "$script"
done
if command -v codespell >/dev/null; then
    codespell -q 3 --ignore-words-list=nin,sesion,caf,abd,re-using,ans,padd \
        --skip='*.bin,*.der' README.md NEWS CONTRIBUTING.md cmake libratls provider ca tools agent \
        examples policies scripts tests docs formal
else
    echo "codespell is missing"
    exit 77
fi
