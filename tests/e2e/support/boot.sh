#!/bin/sh
# A machine of the programs of this one: systemd as process 1, in namespaces and a cgroup of its
# own, with an /etc, /var and /dev of its own, in memory. Only root can. For agent_boot.sh.
#
#   boot.sh start FOLDER       begins it, and stays; FOLDER/root is its root from inside, where
#                              FOLDER/local becomes /usr/local and FOLDER/tpm becomes /srv
#   boot.sh can                says why it cannot be, if so (exit code 1)
#   boot.sh clean FOLDER       takes its cgroup away
set -eu

# Nothing that it does may reach the machine below: no modules, no clock, no settings of the kernel.
forbidden='-sys_module,-sys_rawio,-sys_time,-sys_boot,-syslog,-mac_admin,-mac_override'

fail() {
    echo "$*"
    exit 1
}

mount_cgroups() {
    mkdir -p "$1/cgroup"
    mount -t cgroup2 cgroup2 "$1/cgroup"
}

case $1 in
can)
    [ "$(id -u)" -eq 0 ] || fail "only root can boot systemd"
    [ -x /lib/systemd/systemd ] || fail "systemd is missing"
    for program in unshare nsenter setpriv pivot_root; do
        command -v "$program" >/dev/null || fail "$program is missing"
    done
    awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo ||
        fail "this is a chroot: it has no root to pivot from"
    # By the name of the folder: every shell in a namespace of its own is process 1, and another
    # test may ask at the same time.
    # shellcheck disable=SC2016 # its own shell's
    unshare --mount --uts --ipc --net --pid --cgroup --fork --kill-child sh -c '
        folder=$(mktemp -d)
        trap "umount \"$folder\"; rmdir \"$folder\"" EXIT
        mknod "$folder/null" c 1 3 && rm "$folder/null" && mount -t cgroup2 cgroup2 "$folder" &&
            mkdir "$folder/ratls-${folder##*/}" && rmdir "$folder/ratls-${folder##*/}"
    ' >/dev/null 2>&1 || fail "no namespaces, devices and cgroups (cgroup2) of its own here"
    exit
    ;;
clean)
    unshare --mount sh "$0" rmdir "$2"
    exit
    ;;
rmdir)
    mount_cgroups "$2"
    [ ! -d "$2/cgroup/ratls-${2##*/}" ] ||
        find "$2/cgroup/ratls-${2##*/}" -depth -type d -exec rmdir {} +
    exit
    ;;
start)
    exec unshare --mount sh "$0" enter "$2"
    ;;
enter)
    mount_cgroups "$2"
    mkdir "$2/cgroup/ratls-${2##*/}"
    echo $$ >"$2/cgroup/ratls-${2##*/}/cgroup.procs"
    umount "$2/cgroup"
    exec unshare --mount --uts --ipc --net --pid --cgroup --fork --kill-child sh "$0" boot "$2"
    ;;
boot) ;;
*) fail "boot.sh: no such word: $1" ;;
esac

# ---- inside

folder=$2
root=$folder/root
mount --make-rprivate /
mkdir -p "$root"
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr etc/systemd/system etc/systemd/system-generators var/lib var/log var/tmp proc sys dev \
    run tmp root srv old
chmod 1777 tmp var/tmp
mount --rbind /usr usr
mount --bind "$folder/local" usr/local
mount -o remount,bind,ro usr
mount --bind "$folder/tpm" srv
for link in bin sbin lib lib64 lib32; do
    [ ! -L "/$link" ] || cp -P "/$link" "$link"
done
for file in passwd group nsswitch.conf ld.so.cache ld.so.conf ld.so.conf.d ssl; do
    [ ! -e "/etc/$file" ] || cp -a "/etc/$file" etc/
done
: >etc/machine-id
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do cp -a "/dev/$node" dev/; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm

# Of the units of this machine only the journal's run.
mask() {
    for path; do
        [ -e "$path" ] || continue
        case ${path##*/} in
        systemd-journald.service | systemd-journald.socket | systemd-journald-dev-log.socket) ;;
        *) ln -sf /dev/null "etc/systemd/system/${path##*/}" ;;
        esac
    done
}
for target in sysinit local-fs sockets basic timers paths multi-user; do
    mask usr/lib/systemd/system/$target.target.wants/*
done
for generator in usr/lib/systemd/system-generators/*; do
    ln -sf /dev/null "etc/systemd/system-generators/${generator##*/}"
done
ln -s /usr/lib/systemd/system/multi-user.target etc/systemd/system/default.target

pivot_root . old
umount -l old
rmdir old
exec env -i container=ratls PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LC_ALL=C \
    setpriv --bounding-set="$forbidden" --inh-caps="$forbidden" \
    /lib/systemd/systemd --log-target=journal --show-status=0 </dev/null
