#!/bin/sh
# Installs the Debian packages (12 or 13) that a task needs, and only those that are missing.
#
#   install-packages.sh build|test|guest|debian|demo|machine|bench...
#
# build: compile. demo: build, and run the demo. machine: demo, and a measured machine in QEMU
# (machine.sh). test: everything that the tests run. guest: what they run in another Debian, and
# debian: what brings that (test-debian.sh). bench: test, and what the benchmarks compare with.
# Uses sudo if it is not root. Starts no service, and takes none into the boot.
set -eu

build='cmake ninja-build gcc libc6-dev pkg-config libssl-dev libcbor-dev libcyaml-dev libjansson-dev
    libsqlite3-dev libyaml-dev libtss2-dev libsystemd-dev libpq-dev libmicrohttpd-dev
    libcurl4-openssl-dev scdoc'
demo="$build openssl curl nginx swtpm swtpm-tools tpm2-tools procps"
# A machine to boot, whose firmware, boot loaders and kernel are those of amd64.
machine="$demo python3"
if [ "$(dpkg --print-architecture)" = amd64 ]; then
    machine="$machine qemu-system-x86 ovmf shim-signed grub-efi-amd64-signed busybox-static
        ima-evm-utils keyutils mtools dosfstools fdisk e2fsprogs cpio sbsigntool"
fi
guest="$machine g++ libcriterion-dev tpm2-openssl haproxy apache2-bin stunnel4 postgresql
    postgresql-client python3-cbor2 python3-cryptography python3-jwcrypto python3-jwt
    binutils jq strace systemd"
test="$guest clang libclang-rt-dev shellcheck codespell"
debian='debootstrap wget util-linux'
bench='cargo rustc librust-rustls-dev librust-libc-dev'
services='nginx haproxy stunnel4 postgresql'

usage() {
    echo "usage: install-packages.sh build|test|guest|debian|demo|machine|bench..." >&2
    exit 2
}

[ $# -gt 0 ] || usage
wanted=
for group; do
    case $group in
    build) wanted="$wanted $build" ;;
    demo) wanted="$wanted $demo" ;;
    machine) wanted="$wanted $machine" ;;
    test) wanted="$wanted $test" ;;
    guest) wanted="$wanted $guest" ;;
    debian) wanted="$wanted $debian" ;;
    bench) wanted="$wanted $test $bench" ;;
    *) usage ;;
    esac
done

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $wanted; do
    case " $missing " in *" $package "*) continue ;; esac
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "install-packages.sh: needs root or sudo to install:$missing" >&2
    exit 3
fi

# Debian starts a server as soon as it is installed, unless policy-rc.d says no.
policy=/usr/sbin/policy-rc.d
guard=
remove_guard() {
    if [ -n "$guard" ]; then as_root rm -f "$policy"; fi
}
trap remove_guard EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    guard=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
fi

new_services=
for service in $services; do
    case " $missing " in
    *" $service "*) new_services="$new_services $service" ;;
    esac
done

echo "installing:$missing"
as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing

# The tests and the demo run their own copies: the next boot should not bring up new servers.
if [ -d /run/systemd/system ]; then
    for service in $new_services; do
        as_root systemctl --quiet disable "$service" || true
    done
fi
