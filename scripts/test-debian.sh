#!/bin/sh
# Builds and tests as it is installed (release) in another Debian than this one, in a folder that
# goes away afterwards.
#
#   test-debian.sh [CODENAME]      trixie (Debian 13), if none is named
#
# The last line is "N passed, N failed, N skipped". If that Debian cannot be had (no root, no
# mirror), it is one that was skipped, and what is missing is said.
set -eu
cd "$(dirname "$0")/.."

say_skipped() {
    echo "skipped, not tested: $*"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

# ---- in namespaces of its own

# "URI SUITE" of each archive that this machine has of its own Debian, as those of $codename.
list_archives() {
    # shellcheck source=/dev/null
    here=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # words of apt-get's own
    apt-get indextargets --format '$(COMPONENT) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk -v here="$here" -v there="$codename" '
            $1 == "main" && ($3 == here || $3 == here "-updates" || $3 == here "-security") {
                print $2, there substr($3, length(here) + 1)
            }' | sort -u
}

in_root() {
    env -u TMPDIR PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LC_ALL=C.UTF-8 chroot "$root" "$@"
}

# Its archives through the same proxies. debootstrap asks wget, which knows none of apt's.
configure_apt() {
    eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
    [ "${http_proxy:-DIRECT}" = DIRECT ] || export http_proxy
    [ "${https_proxy:-DIRECT}" = DIRECT ] || export https_proxy
    list_archives >"$work/archives"
    mirror=$(awk -v suite="$codename" '$2 == suite { print $1; exit }' "$work/archives")
    if [ -z "$mirror" ]; then
        mirror=http://deb.debian.org/debian
        echo "$mirror $codename" >"$work/archives"
    fi
}

make_root() {
    log=$work/root.log
    more=
    case $mirror in https:*) more=--include=ca-certificates ;; esac
    debootstrap --variant=minbase ${more:+"$more"} "$codename" "$root" "$mirror" >"$log" 2>&1 ||
        return 1
    mount -t proc proc "$root/proc"
    [ ! -e /etc/hosts ] || cp -L /etc/hosts "$root/etc/hosts"
    awk '{ print "deb", $1, $2, "main" }' "$work/archives" >"$root/etc/apt/sources.list"
    apt-config dump Acquire | grep -v '^Acquire::IndexTargets' >"$root/etc/apt/apt.conf.d/00host"
    # It lives for minutes: nothing in it has to survive a power cut.
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
    in_root apt-get update -q -o APT::Update::Error-Mode=any >"$log" 2>&1
}

copy_tree() {
    mkdir -p "$root/src/ratls"
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        tar -c --null --files-from - --ignore-failed-read | tar -x -C "$root/src/ratls"
    if [ -d ../shared/corpus ]; then
        mkdir -p "$root/src/shared"
        cp -R ../shared/corpus "$root/src/shared/"
    fi
}

install_there() {
    log=$work/install.log
    in_root sh -c 'cd /src/ratls && sh scripts/install-packages.sh guest' >"$log" 2>&1
}

run_inside() {
    work=$1 codename=$2
    root=$work/root
    configure_apt
    echo "== $codename: packages of $mirror"
    if ! make_root; then
        tail -n 5 "$log"
        say_skipped "no $codename from $mirror"
    fi
    copy_tree
    if ! install_there; then
        tail -n 5 "$log"
        # What the archive has not is a mistake of ours; what does not come is none.
        if grep -qE '^E: (Unable to (locate|correct)|Package .* has no)' "$log"; then
            echo "0 passed, 1 failed, 0 skipped"
            exit 1
        fi
        say_skipped "the packages of $codename do not come"
    fi
    in_root sh -c 'cd /src/ratls && sh scripts/test.sh --guest release' 2>&1 |
        tee "$work/test.log"
    numbers=$(tail -n 1 "$work/test.log" | sed -n '/^[0-9]* passed, [0-9]* failed$/p')
    skipped=$(sed -n 's/^\([0-9]*\) skipped$/\1/p' "$work/test.log" | tail -n 1)
    echo "${numbers:-0 passed, 1 failed}, ${skipped:-0} skipped"
    case $numbers in *", 0 failed") ;; *) exit 1 ;; esac
}

if [ "${1:-}" = --inside ]; then
    run_inside "$2" "$3"
    exit
fi

# ---- outside

codename=${1:-trixie}
[ "$(id -u)" -eq 0 ] || say_skipped "$codename needs root: debootstrap, chroot and mount"
sh scripts/install-packages.sh debian || say_skipped "debootstrap cannot be installed"
# Mounts and processes belong to the namespaces, and end with them.
namespaces='unshare --mount --pid --fork --kill-child'
why=$($namespaces true 2>&1) || say_skipped "no namespaces for mounts and processes: $why"

work=$(mktemp -d)
inside=
finish() {
    code=$?
    trap - EXIT HUP INT TERM
    if [ -n "$inside" ]; then
        kill -KILL "$inside" 2>/dev/null || true
        wait "$inside" 2>/dev/null || true
    fi
    tries=10 # what is being ended may still write
    until rm -rf "$work" 2>/dev/null || [ "$tries" -eq 0 ]; do
        tries=$((tries - 1))
        sleep 1
    done
    exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
$namespaces sh scripts/test-debian.sh --inside "$work" "$codename" &
inside=$!
code=0
wait "$inside" || code=$?
inside=
[ "$code" -eq 0 ]
