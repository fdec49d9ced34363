#!/bin/sh
# An initrd that hands out the server's key. Nobody signs an initrd, so Secure Boot lets it through;
# what runs from it, IMA does not measure; and the system that follows is the good one.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

unpack_initrd
sed -i 's|^mount /dev/vdb /mnt .*|mount /dev/vdb /mnt\
/bin/busybox httpd -p 8000 -h /mnt/etc/ratls\
exec switch_root /mnt /sbin/init|' "$work/initrd/init"
grep -q httpd "$work/initrd/init" || fail "the initrd has another form now"
pack_initrd "$work/initrd.gz"

new_machine web
make_disk web --initrd "$work/initrd.gz"
expose web 8000
stolen=$exposed
boot_machine web
expect 0 "everybody can fetch the server's key" curl --silent --fail --max-time 20 \
    "http://$address:$stolen/server.key"
has "PRIVATE KEY"
refused web "a machine with an initrd of somebody else is refused" boot.files \
    'of "initrd /initrd.gz"'
good_again web
expect failure "and hands out nothing" curl --silent --fail --max-time 5 \
    "http://$address:$stolen/server.key"
