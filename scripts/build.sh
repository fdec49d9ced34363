#!/bin/sh
# Builds the release: programs in build/release/bin, libraries in build/release/lib, the provider
# in build/release/ossl-modules.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install-packages.sh build
cmake --preset release -DBUILD_TESTING="${BUILD_TESTING:-OFF}" "$@"
cmake --build --preset release
