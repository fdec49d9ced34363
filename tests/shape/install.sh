#!/bin/sh
# install.sh BUILD CC [FLAGS]: installs to a folder of its own, and builds and runs programs against
# it, with find_package and with pkg-config.
set -eu
build=$1 cc=$2 flags=${3:-}
consumer=${RATLS_SOURCE_DIR:?}/tests/shape/consumer
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
    cat "$folder/log"
    exit 1
}

prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")

# The configurations would name a module that is not there.
if cmake --install "$build" --prefix "$folder/other" >"$folder/log" 2>&1; then
    echo "installed for another folder than it was configured for"
    exit 1
fi
grep -qF -- "-DCMAKE_INSTALL_PREFIX=$folder/other" "$folder/log" || fail
if [ -e "$folder/other" ]; then fail; fi

DESTDIR=$folder/root cmake --install "$build" >"$folder/log"
for pattern in include/ratls/ratls.h 'lib*/libratls.so*' 'lib*/pkgconfig/ratls.pc' \
    'lib*/cmake/ratls/ratls-config.cmake' bin/ratls share/man/man1/ratls.1 \
    share/man/man5/ratls-policy.5 \
    share/man/man7/ratls.7 share/man/man3/ratls_tls_verify.3; do
    # shellcheck disable=SC2086 # a pattern
    ls $folder/root$prefix/$pattern >/dev/null || fail
done
find "$folder/root" -name ratls.so | grep -q . || { echo "the provider was not installed"; exit 1; }
# What the page says is typed as it stands; scdoc puts \& before dots.
page=$(find "$folder/root" -name ratls-provider.7)
[ -z "$page" ] || for file in lib*/ossl-modules/ratls.so share/ratls/openssl.cnf; do
    # shellcheck disable=SC2086 # a pattern
    file=$(find $folder/root$prefix/${file%/*} -name "${file##*/}")
    sed 's/\\&//g; s/\\-/-/g' "$page" | grep -qF "${file#"$folder/root"}" || {
        echo "ratls-provider(7) does not name ${file#"$folder/root"}"
        exit 1
    }
done
for pattern in share/ratls/ca.yaml share/man/man5/ratls-ca.yaml.5; do
    [ -e "$folder/root$prefix/$pattern" ] || { echo "$pattern was not installed"; exit 1; }
done
# The units name the program where it is.
if [ -e "$build/bin/ratlsd" ]; then
    for pattern in sbin/ratlsd lib/systemd/system/ratlsd.service lib/systemd/system/ratlsd.socket \
        lib/sysusers.d/ratls.conf share/ratls/ratlsd.yaml share/ratls/ima-policy \
        share/man/man8/ratlsd.8 share/man/man5/ratlsd.yaml.5; do
        [ -e "$folder/root$prefix/$pattern" ] || { echo "$pattern was not installed"; exit 1; }
    done
    grep -qF "ExecStart=$prefix/sbin/ratlsd " \
        "$folder/root$prefix/lib/systemd/system/ratlsd.service" || {
        echo "ratlsd.service names another program"
        exit 1
    }
fi
if [ -e "$build/tools/ratls-ca.service" ]; then
    for pattern in lib/systemd/system/ratls-ca.service lib/systemd/system/ratls-ca.socket \
        lib/sysusers.d/ratls-ca.conf share/ratls/ca-network.conf share/ratls/ca-tpm.conf; do
        [ -e "$folder/root$prefix/$pattern" ] || { echo "$pattern was not installed"; exit 1; }
    done
    grep -qF "ExecStart=$prefix/bin/ratls ca serve " \
        "$folder/root$prefix/lib/systemd/system/ratls-ca.service" || {
        echo "ratls-ca.service names another program"
        exit 1
    }
fi
if [ -e "$build/tools/ratls-enroll.service" ]; then
    for pattern in ratls-enroll.service ratls-enroll.timer; do
        [ -e "$folder/root$prefix/lib/systemd/system/$pattern" ] || {
            echo "$pattern was not installed"
            exit 1
        }
    done
    grep -qF "ExecStart=$prefix/bin/ratls enroll " \
        "$folder/root$prefix/lib/systemd/system/ratls-enroll.service" || {
        echo "ratls-enroll.service names another program"
        exit 1
    }
fi
if grep -rlIwF "$build" "$folder/root"; then
    echo "an installed text file names the build folder"
    exit 1
fi

echo "find_package:"
cmake -G Ninja -S "$consumer" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/root$prefix" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$flags" >"$folder/log" 2>&1 || fail
cmake --build "$folder/build" >>"$folder/log" 2>&1 || fail
"$folder/build/consumer"
if [ -e "$folder/build/consumer_attester" ]; then "$folder/build/consumer_attester"; fi

echo "pkg-config:"
pc=$(find "$folder/root" -name ratls.pc)
PKG_CONFIG_PATH=${pc%/ratls.pc} PKG_CONFIG_SYSROOT_DIR=$folder/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
libraries=$folder/root$(pkg-config --variable=libdir ratls | sed "s|^$folder/root||")
# shellcheck disable=SC2046,SC2086 # lists of options
"$cc" -std=c11 -Wall -Wextra -Werror $flags -o "$folder/consumer" "$consumer/consumer.c" \
    $(pkg-config --cflags --libs ratls)
LD_LIBRARY_PATH=$libraries "$folder/consumer"
if pkg-config --exists ratls-attester; then
    # shellcheck disable=SC2046,SC2086 # lists of options
    "$cc" -std=c11 -Wall -Wextra -Werror $flags -o "$folder/consumer_attester" \
        "$consumer/consumer_attester.c" $(pkg-config --cflags --libs ratls-attester)
    LD_LIBRARY_PATH=$libraries "$folder/consumer_attester"
fi
