#!/bin/sh
# The systemd units of ratls enroll: systemd understands them, and finds little to complain of.
. "$(dirname "$0")/lib.sh"
need systemd-analyze
units=$RATLS_BINARY_DIR/tools
[ -e "$units/ratls-enroll.service" ] || skip "this build has no ratls enroll"
mkdir "$work/units"
# The program is not installed yet, and no manual page is.
sed -e "s|^ExecStart=[^ ]*|ExecStart=$ratls|" -e '/^Documentation=/d' \
    "$units/ratls-enroll.service" >"$work/units/ratls-enroll.service"
sed '/^Documentation=/d' "$RATLS_SOURCE_DIR/tools/systemd/ratls-enroll.timer" \
    >"$work/units/ratls-enroll.timer"
expect 0 "systemd understands the units" systemd-analyze verify --man=no \
    "$work/units/ratls-enroll.service" "$work/units/ratls-enroll.timer"
lacks "ratls-enroll."
# The network, root, and files of others (2.1) are what it needs.
expect 0 "and the sandbox is strict" systemd-analyze security --offline=true --threshold=25 \
    "$work/units/ratls-enroll.service"

# What it does behind a renewal, with folders of the test, and a systemctl that tells.
sed -n "s|^ExecStartPost=+-/bin/sh -c '\(.*\)'\$|\1|p" "$work/units/ratls-enroll.service" |
    sed -e "s|/var/lib/ratls|$work/state|" -e "s|/etc/ratls|$work/etc|" -e 's|\$\$|$|g' \
        >"$work/post"
mkdir -p "$work/bin" "$work/state" "$work/etc/server"
printf '#!/bin/sh\necho "$@" >>"%s"\n' "$work/asked" >"$work/bin/systemctl"
chmod 755 "$work/bin/systemctl"
: >"$work/asked"
behind() {
    PATH=$work/bin:$PATH sh "$work/post"
}
touch -d '-1 day' "$work/state/ak.crt" "$work/etc/server/ak.crt"
expect 0 "a certificate that is left alone" behind
lacks restart "$work/asked"
touch "$work/etc/server/ak.crt"
expect 0 "a new one" behind
has "try-restart ratlsd.service" "$work/asked"
mv "$work/state" "$work/elsewhere"
ln -s elsewhere "$work/state"
touch -d '-1 day' "$work/etc/server/ak.crt"
touch "$work/elsewhere/ak.crt"
: >"$work/asked"
expect 0 "a new one in a folder that is a link" behind
has "try-restart ratlsd.service" "$work/asked"
expect 0 "it renews once a day" systemd-analyze calendar daily
has "Normalized form"
