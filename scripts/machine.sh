#!/bin/sh
# A really measured machine on this one: UEFI firmware with Secure Boot and a TPM, Debian's boot
# loaders and kernel with IMA, Debian's nginx, attested by ratls. In QEMU, with a software TPM; KVM
# is not needed. Builds what is missing; with RATLS_BUILD it takes the programs of that folder.
#
#   machine.sh                  boots it, and says how to reach it; Ctrl-C ends it
#   machine.sh --change WHAT    the same with a change that the policy refuses: nginx, boot-loader,
#                               command-line, no-ima
#   machine.sh --story          a bank, its customer and an attacker: two minutes to read
set -eu
ready=${RATLS_BUILD:+$(realpath "$RATLS_BUILD")}
cd "$(dirname "$0")/.."
source=$PWD

usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' scripts/machine.sh
}

script=by_hand.sh changed=none
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h)
        usage
        exit 0
        ;;
    --story) script=story.sh ;;
    --change)
        changed=${2:-}
        case $changed in
        nginx | boot-loader | command-line | no-ima) ;;
        *)
            echo "machine.sh: --change knows nginx, boot-loader, command-line and no-ima" >&2
            exit 2
            ;;
        esac
        shift
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done

. "$source/tests/machine/telling.sh"

# long_work WHAT LOG COMMAND...: its output matters only when it fails.
long_work() {
    long_what=$1 long_log=$2
    shift 2
    start_clock "$long_what"
    code=0
    "$@" >"$long_log" 2>&1 </dev/null || code=$?
    stop_clock
    case $code in
    0) [ "$took" -lt 2 ] || tell "$faint($long_what: $took seconds)$normal" ;;
    77) # as a test that is skipped
        grep '^skipped: ' "$long_log" | sed 's/^skipped/machine.sh/' >&2
        exit 1
        ;;
    *)
        tail -n 60 "$long_log" >&2
        exit 1
        ;;
    esac
}

if [ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ]; then
    echo "machine.sh: needs Debian on amd64, from where the machine has its firmware and kernel" >&2
    exit 1
fi
mkdir -p build
if [ -z "$ready" ]; then
    sh scripts/install-packages.sh machine
    long_work "ratls is built" build/machine.log sh scripts/build.sh
fi
RATLS_SOURCE_DIR=$source
RATLS_BINARY_DIR=${ready:-$source/build/release}
export RATLS_SOURCE_DIR RATLS_BINARY_DIR
long_work "the images of the machine are made, and its policy is learned" build/machine-images.log \
    sh tests/machine/build.sh
[ "$script" = by_hand.sh ] || exec sh tests/machine/story.sh
exec sh tests/machine/by_hand.sh "$changed"
