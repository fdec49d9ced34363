#!/bin/sh
# The systemd units of ratls ca serve: systemd understands them, and finds little to complain of.
. "$(dirname "$0")/lib.sh"
need systemd-analyze
units=$RATLS_BINARY_DIR/tools
sources=$RATLS_SOURCE_DIR/tools/systemd
[ -e "$units/ratls-ca.service" ] || skip "this build has no ratls ca serve"
mkdir "$work/units"
# The program is not installed yet, no manual page is, and no user.
sed -e "s|^ExecStart=[^ ]*|ExecStart=$ratls|" -e '/^Documentation=/d' \
    -e 's/^\(User\|Group\)=.*/\1=daemon/' "$units/ratls-ca.service" >"$work/units/ratls-ca.service"
sed '/^Documentation=/d' "$sources/ratls-ca.socket" >"$work/units/ratls-ca.socket"
expect 0 "systemd understands the units" systemd-analyze verify --man=no \
    "$work/units/ratls-ca.service" "$work/units/ratls-ca.socket"
lacks "ratls-ca."
expect 0 "and the sandbox is strict" systemd-analyze security --offline=true --threshold=10 \
    "$work/units/ratls-ca.service"
# The drop-ins are some.
mkdir "$work/units/ratls-ca.service.d"
cp "$sources/ca-network.conf" "$sources/ca-tpm.conf" "$work/units/ratls-ca.service.d/"
expect 0 "also with a network and a TPM" systemd-analyze verify --man=no \
    "$work/units/ratls-ca.service"
lacks "ratls-ca."
