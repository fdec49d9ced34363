# Sourced by lib.sh: what a machine starts from. Kernel, initrd, EFI system partition, root, TPM.
# shellcheck shell=sh disable=SC2154,SC2034

# Where a kernel that was fetched once is kept; others may fill it.
cache=${RATLS_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-$RATLS_BINARY_DIR}/.cache}/ratls}

# Debian's kernel for virtual machines, unpacked in $cache; $kernel is its image. The newest that
# apt knows; where that cannot be fetched now, the newest of before.
fetch_kernel() {
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        awk '/Depends: linux-image/ {print $2; exit}')
    why="no package linux-image-cloud-amd64: apt-get update brings its name"
    if [ -z "$package" ] || ! try_fetch "$package"; then
        package=$(cd "$cache" 2>/dev/null &&
            find . -maxdepth 1 -name 'linux-image-*-cloud-amd64' | cut -c3- | sort -V | tail -n 1)
        [ -n "$package" ] || skip "$why"
        echo "$why; $package of before is taken"
    fi
    kernel=$(echo "$cache/$package"/boot/vmlinuz-*)
    [ -e "$kernel" ] || fail "no kernel in $package"
}

fetch_package() { # fetch_package NAME: of Debian, unpacked in $cache/NAME
    try_fetch "$1" || skip "$why"
}

try_fetch() { # try_fetch NAME: false if it is not there, and $why
    [ ! -d "$cache/$1" ] || return 0
    mkdir -p "$cache" 2>/dev/null || cache=$RATLS_BINARY_DIR/machine/cache
    mkdir -p "$cache" "$work/download"
    chmod 777 "$work/download" # apt fetches as a user of its own
    if ! (cd "$work/download" && apt-get download -q "$1" >"$work/download.log" 2>&1); then
        why="$1 cannot be fetched: $(grep '^[EW]:' "$work/download.log" | head -n 1)"
        return 1
    fi
    # Beside its place first: it must not be half there for another test.
    unpacked=$(mktemp -d "$cache/new.XXXXXX")
    if ! dpkg -x "$work/download/$1"_*.deb "$unpacked" 2>>"$work/download.log"; then
        rm -rf "$unpacked"
        fail "$1 cannot be unpacked: $(tail -n 1 "$work/download.log")"
    fi
    chmod 755 "$unpacked"
    mv -T "$unpacked" "$cache/$1" 2>/dev/null || rm -rf "$unpacked"
}

# An initrd that loads the drivers, in this order, and goes on to the root: on an initrd itself the
# kernel's policy measures nothing. PACKAGE is the kernel's, unpacked.
make_initrd() { # make_initrd PACKAGE FILE
    tree=$work/initrd drivers=''
    rm -rf "$tree"
    mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/mnt" "$tree/m"
    cp /bin/busybox "$tree/bin/"
    for driver in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci \
        virtio_blk failover net_failover virtio_net; do
        add_driver "$1" "$driver"
    done
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox --install -s /bin'
        echo 'mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev'
        for driver in $drivers; do echo "insmod /m/$driver.ko"; done
        echo 'until [ -e /dev/vdb ]; do sleep 0.1; done'
        echo 'mount /dev/vdb /mnt && exec switch_root /mnt /sbin/init'
    } >"$tree/init"
    chmod 755 "$tree/init"
    pack_initrd "$2"
}

# Debian 12 has each driver as a file. Debian 13 has it compressed, or built into the kernel.
add_driver() { # add_driver PACKAGE NAME
    driver_file=$(find "$1" -name "$2.ko*")
    case $driver_file in
    *.ko) cp "$driver_file" "$tree/m/" ;;
    *.ko.xz) /bin/busybox xzcat "$driver_file" >"$tree/m/$2.ko" || fail "$driver_file" ;;
    *)
        grep -rq --include=modules.builtin "/$2\.ko\$" "$1" || fail "no driver $2 in $1"
        return 0
        ;;
    esac
    drivers="$drivers $2"
}

unpack_initrd() { # the good one, to the tree
    rm -rf "$work/initrd"
    mkdir "$work/initrd"
    (cd "$work/initrd" && gzip -dc "$images/initrd.gz" | cpio -i --quiet)
}

pack_initrd() { # pack_initrd FILE: of the tree
    (cd "$work/initrd" && find . -exec touch -h -d @0 {} + &&
        find . | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible | gzip -n) >"$1"
}

# GRUB 2.06 (Debian 12) has commands of its own to start Linux by EFI: linuxefi, initrdefi. Only so
# does Linux get the log of the boot, and "linux" does it only with Secure Boot. GRUB 2.12 (Debian
# 13) starts it by EFI in any case, and has no other commands.
by_efi=''
! grep -aq linuxefi "$grub/grubx64.efi.signed" || by_efi=efi

# write_disk FILE KERNEL INITRD: an EFI system partition with shim, GRUB and its configuration,
# kernel, initrd.
write_disk() {
    rm -f "$1"
    truncate -s 96M "$1"
    disk_id=3f5a9b1c-0000-4000-8000-00000000000
    printf 'label: gpt\nlabel-id: %s1\nstart=2048, type=uefi, uuid=%s2\n' $disk_id $disk_id |
        sfdisk -q "$1"
    mkfs.vfat -F 32 -i 12345678 --offset 2048 "$1" 97000 >"$work/mkfs.log" 2>&1
    mmd -i "$1@@1M" ::/EFI ::/EFI/BOOT ::/EFI/debian ::/grub
    mcopy -i "$1@@1M" /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
    change_disk "$1" --loader "$grub/grubx64.efi.signed" --kernel "$2" --initrd "$3" \
        --command-line "$command_line"
}

# change_disk FILE [--loader F] [--kernel F] [--initrd F] [--command-line TEXT] [--shim F]
change_disk() {
    partition=$1@@1M
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --shim) mcopy -o -i "$partition" "$2" ::/EFI/BOOT/BOOTX64.EFI ;;
        --loader) mcopy -o -i "$partition" "$2" ::/EFI/BOOT/grubx64.efi ;;
        --kernel) mcopy -o -i "$partition" "$2" ::/vmlinuz ;;
        --initrd) mcopy -o -i "$partition" "$2" ::/initrd.gz ;;
        --command-line)
            printf 'set timeout=0\nlinux /vmlinuz %s\ninitrd /initrd.gz\nboot\n' "$2" \
                >"$work/grub.cfg"
            mcopy -o -i "$partition" "$work/grub.cfg" ::/EFI/debian/grub.cfg
            mcopy -o -i "$partition" "$work/grub.cfg" ::/grub/grub.cfg # of the GRUB for networks
            ;;
        *) fail "change_disk: $1?" ;;
        esac
        shift 2
    done
}

# add_file FILE [TARGET]: a file with the libraries that it needs, into the tree of the root.
add_file() {
    target=${2:-$1}
    mkdir -p "$work/root$(dirname "$target")"
    cp -L "$1" "$work/root$target"
    ldd "$1" 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*' | while read -r library; do
        mkdir -p "$work/root$(dirname "$library")"
        cp -Ln "$library" "$work/root$library"
    done
}

add_programs() {
    add_file /bin/busybox
    for program in /usr/sbin/nginx /usr/bin/openssl /usr/bin/curl; do add_file "$program"; done
    add_file "$ratls" /usr/bin/ratls
    add_file "$RATLS_BINARY_DIR/bin/ratlsd" /usr/sbin/ratlsd
    add_file "$module" /usr/lib/ratls.so
    for library in libtss2-tcti-device.so.0 libtss2-tctildr.so.0; do
        add_file "/usr/lib/x86_64-linux-gnu/$library"
    done
    # Two programs of the bank: one that its IT department signs, one that nobody signs.
    printf '#!/bin/busybox sh\necho signed, version 1\n' >"$work/root/bin/signed-program"
    printf '#!/bin/busybox sh\necho unsigned, version 1\n' >"$work/root/bin/unsigned-program"
    chmod 755 "$work/root/bin/"*-program
}

add_configuration() {
    cp -r "$machine_scripts/root/." "$work/root/"
    cp "$work/server.pem" "$work/server.key" "$work/root/etc/ratls/"
    cp "$work/share/openssl.cnf" "$work/root/etc/ratls/ratls.cnf"
    sed -e 's|/usr/local/share/ratls/openssl.cnf|/etc/ratls/ratls.cnf|' \
        -e 's|^state = .*|agent = /run/ratls/agent.sock|' \
        "$examples/server/openssl.cnf" >"$work/root/etc/ratls/openssl.cnf"
    printf 'module = /usr/lib/ratls.so\nlog = stderr\n' >>"$work/root/etc/ratls/openssl.cnf"
    chmod 755 "$work/root/sbin/"*
}

make_root_tree() {
    for folder in bin sbin etc/ratls proc sys dev tmp root run var/lib/ratls var/lib/nginx; do
        mkdir -p "$work/root/$folder"
    done
    add_programs
    add_configuration
}

write_root() { # write_root FILE: of the tree
    rm -f "$1"
    mke2fs -q -t ext4 -d "$work/root" -E root_owner=0:0 "$1" 256M >"$work/mkfs.log" 2>&1 ||
        fail "mke2fs"
    [ "$(id -u)" -eq 0 ] || give_to_root "$1"
}

give_to_root() { # give_to_root FILE: what lies in it belongs to who made it
    (cd "$work/root" && find . -mindepth 1) | while read -r file; do
        printf 'set_inode_field %s uid 0\nset_inode_field %s gid 0\n' "${file#.}" "${file#.}"
    done | debugfs -w "$1" >/dev/null 2>&1
}

# Only root may use the CA of this host that certifies software TPMs; others get one of their own.
own_tpm_maker() {
    [ ! -e "${XDG_CONFIG_HOME:-$HOME/.config}/swtpm_setup.conf" ] || return 0
    export XDG_CONFIG_HOME="$work/config"
    mkdir -p "$XDG_CONFIG_HOME"
    swtpm_setup --create-config-files skip-if-exist >"$work/tpm-setup.log" 2>&1 ||
        fail "swtpm_setup --create-config-files"
}

# A TPM as it leaves its factory: with an endorsement key, and a certificate by swtpm's own CA.
make_tpm() { # make_tpm FOLDER [BANKS]
    mkdir -p "$1"
    [ "$(id -u)" -eq 0 ] || own_tpm_maker
    swtpm_setup --tpm2 --tpmstate "$1" --create-ek-cert --pcr-banks "${2:-sha256}" --overwrite \
        >"$work/tpm-setup.log" 2>&1 || fail "swtpm_setup"
}
