#!/bin/sh
# Builds the release: programs in build/release/bin, libraries in build/release/lib, the provider
# in build/release/ossl-modules.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install-packages.sh build
# The tests need more packages: leave them out, unless they were configured before.
[ -e build/release/CMakeCache.txt ] || set -- -DBUILD_TESTING=OFF "$@"
cmake --preset release "$@"
cmake --build --preset release
