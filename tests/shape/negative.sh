#!/bin/sh
# Each of T1 to T41 has one row in tests/README.md, and every test that is named there exists.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bad=0

complain() {
    echo "tests/README.md: $*"
    bad=1
}

number=1
while [ "$number" -le 41 ]; do
    rows=$(grep -c "^| T$number |" tests/README.md || true)
    [ "$rows" -eq 1 ] || complain "T$number has $rows rows"
    number=$((number + 1))
done
# A row names a test, or says why there is none.
grep '^| T' tests/README.md | grep -v '`' | grep -v 'does not apply: ' >"$folder/empty" || true
[ ! -s "$folder/empty" ] || complain "rows without a test: $(cat "$folder/empty")"

find tests -name '*.c' -exec cat {} + >"$folder/sources"
sed -n 's/^Test(\([a-z0-9_]*\), *\([A-Za-z0-9_]*\).*/\1\/\2/p' "$folder/sources" >"$folder/tests"
has_test() {
    case $1 in
    \"*) cat tests/tamper/rows_*.c | grep -qF -- "$1" ;;
    e2e/* | machine/*)
        [ -e "tests/$1.sh" ] && grep -qw -- "${1#*/}" "tests/${1%/*}/CMakeLists.txt"
        ;;
    *) grep -qxF -- "$1" "$folder/tests" ;;
    esac
}
# shellcheck disable=SC2016 # backticks of Markdown
grep -o '`[^`]*/[A-Za-z0-9_]*`\|`"[^`]*`' tests/README.md | tr -d '`' | grep -v '^tests/' |
    grep -vx 'group/test\|e2e/name\|machine/name\|"words"' >"$folder/named"
while read -r name; do
    has_test "$name" || complain "there is no $name"
done <"$folder/named"

# The search must find what it looks for.
[ "$(wc -l <"$folder/named")" -gt 100 ] || complain "only $(wc -l <"$folder/named") tests found"
for name in tls_key/no_such_test '"no such row"' e2e/no_such_script machine/none; do
    if has_test "$name"; then complain "the search finds $name"; fi
done
exit "$bad"
