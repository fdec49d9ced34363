# Sourced by the scripts of this folder: a machine of its own, whose firmware measures the boot into
# a software TPM, and whose kernel measures every program. OVMF with the keys of Microsoft, Debian's
# shim, GRUB and kernel as they are signed, nginx on a small root; nothing of it is changed for us.
# QEMU emulates the processor: KVM is not needed.
# shellcheck shell=sh
. "$(dirname "$0")/../e2e/lib.sh"
need qemu-system-x86_64 swtpm swtpm_setup mcopy mkfs.vfat sfdisk mke2fs debugfs cpio evmctl nginx \
    openssl curl
firmware=/usr/share/OVMF
grub=/usr/lib/grub/x86_64-efi-signed
for file in $firmware/OVMF_CODE_4M.ms.fd $firmware/OVMF_VARS_4M.ms.fd /bin/busybox \
    /usr/lib/shim/shimx64.efi.signed $grub/grubx64.efi.signed; do
    [ -e "$file" ] || skip "$file is missing"
done
# shellcheck disable=SC2034 # for the scripts
command_line='console=ttyS0 ima_policy=tcb ima_template=ima-sig ima_hash=sha256 quiet'
# Where a kernel that was fetched once is kept; others may fill it.
cache=${RATLS_CACHE_DIR:-$RATLS_BINARY_DIR/machine}
boot_timeout_s=300

# Debian's kernel for virtual machines, unpacked in $cache; $kernel is its image.
fetch_kernel() {
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        awk '/Depends: linux-image/ {print $2; exit}')
    [ -n "$package" ] || skip "no package linux-image-cloud-amd64"
    if [ ! -d "$cache/$package" ]; then
        mkdir -p "$cache" "$work/download"
        chmod 777 "$work/download"
        (cd "$work/download" && apt-get download -q "$package" >"$work/download.log" 2>&1) ||
            skip "the kernel cannot be fetched"
        dpkg -x "$work/download/$package"_*.deb "$work/unpacked"
        mv "$work/unpacked" "$cache/$package" 2>/dev/null || true
    fi
    kernel=$(echo "$cache/$package"/boot/vmlinuz-*)
    [ -e "$kernel" ] || fail "no kernel in $package"
}

# An initrd that loads the drivers, in this order, and goes on to the root: on an initrd itself the
# kernel's policy measures nothing.
make_initrd() {
    modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk
        failover net_failover virtio_net"
    tree=$work/initrd
    mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/mnt" "$tree/m"
    cp /bin/busybox "$tree/bin/"
    for module_name in $modules; do
        cp "$(find "$cache/$package/lib/modules" -name "$module_name.ko*")" "$tree/m/"
    done
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox --install -s /bin'
        echo 'mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev'
        for module_name in $modules; do echo "insmod /m/$module_name.ko"; done
        echo 'until [ -e /dev/vdb ]; do sleep 0.1; done'
        echo 'mount /dev/vdb /mnt && exec switch_root /mnt /sbin/init'
    } >"$tree/init"
    chmod 755 "$tree/init"
    (cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -n) >"$work/initrd.gz"
}

# make_disk LOADER COMMAND_LINE: an EFI system partition with shim, this GRUB and its configuration.
make_disk() {
    rm -f "$work/disk.img"
    truncate -s 96M "$work/disk.img"
    disk_id=3f5a9b1c-0000-4000-8000-00000000000
    printf 'label: gpt\nlabel-id: %s1\nstart=2048, type=uefi, uuid=%s2\n' $disk_id $disk_id |
        sfdisk -q "$work/disk.img"
    mkfs.vfat -F 32 -i 12345678 --offset 2048 "$work/disk.img" 97000 >"$work/mkfs.log" 2>&1
    printf 'set timeout=0\nlinux /vmlinuz %s\ninitrd /initrd.gz\nboot\n' "$2" >"$work/grub.cfg"
    partition="$work/disk.img@@1M"
    mmd -i "$partition" ::/EFI ::/EFI/BOOT ::/EFI/debian ::/grub
    mcopy -i "$partition" /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
    mcopy -i "$partition" "$1" ::/EFI/BOOT/grubx64.efi
    mcopy -i "$partition" "$work/grub.cfg" ::/EFI/debian/grub.cfg
    mcopy -i "$partition" "$work/grub.cfg" ::/grub/grub.cfg # of the GRUB for networks
    mcopy -i "$partition" "$kernel" ::/vmlinuz
    mcopy -i "$partition" "$work/initrd.gz" ::/initrd.gz
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

make_root_tree() {
    for folder in bin sbin etc/ratls proc sys dev tmp run var/lib/ratls var/lib/nginx; do
        mkdir -p "$work/root/$folder"
    done
    add_file /bin/busybox
    add_file /usr/sbin/nginx
    add_file "$ratls" /usr/bin/ratls
    add_file "$module" /usr/lib/ratls.so
    for library in libtss2-tcti-device.so.0 libtss2-tctildr.so.0; do
        add_file "/usr/lib/x86_64-linux-gnu/$library"
    done
    cp "$work/server.pem" "$work/server.key" "$work/root/etc/ratls/"
    cp "$work/share/openssl.cnf" "$work/root/etc/ratls/ratls.cnf"
    sed -e 's|/usr/local/share/ratls/openssl.cnf|/etc/ratls/ratls.cnf|' \
        "$examples/server/openssl.cnf" >"$work/root/etc/ratls/openssl.cnf"
    printf 'module = /usr/lib/ratls.so\nlog = stderr\n' >>"$work/root/etc/ratls/openssl.cnf"
    printf 'root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n' >"$work/root/etc/passwd"
    printf 'root:x:0:\nwww-data:x:33:\n' >"$work/root/etc/group"
    cat >"$work/root/etc/nginx.conf" <<'NGINX'
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr info;
events {}
http {
    access_log off;
    server {
        listen 443 ssl;
        ssl_protocols TLSv1.3;
        ssl_certificate /etc/ratls/server.pem;
        ssl_certificate_key /etc/ratls/server.key;
        location / { default_type text/plain; return 200 "welcome\n"; }
    }
}
NGINX
    # Two programs of the bank: one that its IT department signs, one that nobody signs.
    printf '#!/bin/busybox sh\necho signed, version 1\n' >"$work/root/bin/signed-program"
    printf '#!/bin/busybox sh\necho unsigned, version 1\n' >"$work/root/bin/unsigned-program"
    cat >"$work/root/sbin/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t securityfs none /sys/kernel/security
mount -t tmpfs none /run
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
chmod 666 /dev/tpmrm0
/bin/signed-program
/bin/unsigned-program
[ -e /var/lib/ratls/ak.pub ] ||
    ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0 || poweroff -f
sync
echo "starting nginx"
OPENSSL_CONF=/etc/ratls/openssl.cnf exec /usr/sbin/nginx -c /etc/nginx.conf -g 'daemon off;'
INIT
    chmod 755 "$work/root/bin/"*-program "$work/root/sbin/init"
}

# sign_file PATH KEY: security.ima of a file of the root, as evmctl makes it.
sign_file() {
    cp "$work/root$1" "$work/to-sign"
    rm -f "$work/to-sign.sig"
    evmctl ima_sign --hashalgo sha256 --key "$2" --sigfile "$work/to-sign" \
        >"$work/evmctl.log" 2>&1 || fail "evmctl ima_sign"
    debugfs -w -R "ea_set -f $work/to-sign.sig $1 security.ima" "$work/root.ext4" 2>/dev/null
}

make_root() {
    make_root_tree
    rm -f "$work/root.ext4"
    mke2fs -q -t ext4 -d "$work/root" "$work/root.ext4" 160M >"$work/mkfs.log" 2>&1
}

# replace_file PATH TEXT: another content of a file of the root; its signature goes with the old.
replace_file() {
    printf '%s\n' "$2" >"$work/root$1"
    debugfs -w -R "rm $1" "$work/root.ext4" 2>/dev/null
    debugfs -w -R "write $work/root$1 $1" "$work/root.ext4" >/dev/null 2>&1
    debugfs -w -R "set_inode_field $1 mode 0100755" "$work/root.ext4" 2>/dev/null
}

# A TPM that is made once, and remembers its keys when the machine is off.
make_tpm() {
    mkdir -p "$work/tpm"
    swtpm_setup --tpm2 --tpmstate "$work/tpm" --create-ek-cert --pcr-banks sha256 --overwrite \
        >"$work/tpm-setup.log" 2>&1 || fail "swtpm_setup"
    cp "$firmware/OVMF_VARS_4M.ms.fd" "$work/vars.fd"
}

serves() {
    curl --silent --fail --max-time 5 --cacert "$work/server.pem" \
        --resolve "$name:$port:127.0.0.1" "https://$name:$port/" >/dev/null 2>&1
}

# On a busy host the guest's kernel may lose patience with its TPM, and then cannot attest.
boot_once() { # until nginx answers on 127.0.0.1:$port; false if the machine gave up
    pid_of_machine='' pid_of_swtpm=''
    port=$(address=127.0.0.1 free_port)
    rm -f "$work/tpm.ctrl"
    start swtpm swtpm socket --tpm2 --tpmstate "dir=$work/tpm" \
        --ctrl "type=unixio,path=$work/tpm.ctrl" --terminate
    wait_for 10 test -S "$work/tpm.ctrl" || fail "swtpm does not start"
    start machine qemu-system-x86_64 -accel tcg -machine q35,smm=on -m 768 -cpu max -display none \
        -nodefaults -no-reboot -global driver=cfi.pflash01,property=secure,value=on \
        -drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.ms.fd" \
        -drive "if=pflash,format=raw,file=$work/vars.fd" \
        -chardev "socket,id=c,path=$work/tpm.ctrl" -tpmdev emulator,id=t,chardev=c \
        -device tpm-crb,tpmdev=t \
        -drive "if=none,id=d0,format=raw,file=$work/disk.img" \
        -device virtio-blk-pci,drive=d0,bootindex=0 \
        -drive "if=none,id=d1,format=raw,file=$work/root.ext4" -device virtio-blk-pci,drive=d1 \
        -netdev "user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:$port-:443" \
        -device virtio-net-pci,netdev=n,romfile= -serial "file:$work/console.log"
    tries=$boot_timeout_s
    until serves; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ended "$pid_of_machine" || timed_out; then
            return 1
        fi
        sleep 1
    done
    ! timed_out
}

timed_out() {
    grep -aq 'tpm tpm0: Operation Timed out' "$work/console.log"
}

boot_machine() {
    starved=0
    for attempt in 1 2 3; do
        if boot_once; then
            ok "the machine has booted"
            return 0
        fi
        echo "attempt $attempt to boot failed"
        ! timed_out || starved=$((starved + 1))
        halt_machine
    done
    [ "$starved" -lt 3 ] || skip "this host is too busy: the machine got no answers of its TPM"
    fail "the machine does not serve"
}

halt_machine() { # as by a loss of power
    stop machine
    wait_for 10 ended "$pid_of_swtpm" || stop swtpm
    # What lies in the journal would come over what is changed here.
    e2fsck -fp "$work/root.ext4" >"$work/e2fsck.log" 2>&1 || [ $? -eq 1 ] || fail "e2fsck"
}

probe_machine() { # probe_machine CODE WHAT
    expect "$1" "$2" "$ratls" probe --policy "$work/bank.yaml" --server-name "$name" \
        --ca "$work/server.pem" "127.0.0.1:$port"
}
