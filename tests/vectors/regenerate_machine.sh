#!/bin/sh
# Makes tests/vectors/machine anew: runs the tests of tests/machine, which boot machines in QEMU,
# and keeps what the machines sent, with the verdicts. Needs what those tests need (tests/machine).
#
#   regenerate_machine.sh BUILD [TEST...]     (build/release; banks mutual)
#
# With TESTs only these run, and the vectors of the others stay. The vectors of before are there
# until the new ones are whole, and check_machine.py agrees with them. RATLS_RECORD may name a
# folder for what is recorded; it is then kept, and what another run left there counts, too.
set -eu
build=$(realpath "$1")
vectors=$(dirname "$(realpath "$0")")
source=$(realpath "$vectors/../..")
shift

fail() {
    echo "regenerate_machine.sh: $*" >&2
    exit 2
}
[ -e "$build/CTestTestfile.cmake" ] || fail "$build has no tests: build it with BUILD_TESTING=ON"
tests=
for name; do
    [ -e "$source/tests/machine/$name.sh" ] || fail "there is no test tests/machine/$name.sh"
    tests="$tests${tests:+|}$name"
done

folder=$(mktemp -d)
trap 'rm -rf "$folder" "$vectors/machine.new"' EXIT
trap 'exit 130' INT TERM
RATLS_RECORD=${RATLS_RECORD:-$folder/record}
mkdir -p "$RATLS_RECORD"
export RATLS_RECORD RATLS_MACHINE=required
ctest --test-dir "$build" -L '^machine$' -R "^machine[.](${tests:-.*})\$" -j 2 \
    --output-on-failure --no-tests=error

set -- --place "$build" "$RATLS_RECORD" "$folder/new"
if [ -n "$tests" ]; then
    mkdir "$folder/kept"
    cp "$vectors/machine/"*.verdict "$folder/kept"
    tar -xJf "$vectors/machine/sent.tar.xz" -C "$folder/kept"
    set -- --keep "$folder/kept" "$@"
fi
python3 "$vectors/collect_machine.py" "$@"
python3 "$vectors/check_machine.py" "$folder/new"

# All times and owners alike: then only what is another makes another archive.
mkdir "$vectors/machine.new"
mv "$folder/new/"*.verdict "$vectors/machine.new"
tar -cJf "$vectors/machine.new/sent.tar.xz" -C "$folder/new" --sort=name --mtime=@0 \
    --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=ustar .
rm -rf "$vectors/machine"
mv "$vectors/machine.new" "$vectors/machine"
