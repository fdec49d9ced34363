#!/bin/sh
# The units under systemd itself, as ratlsd(8) has them installed: what the manual says is typed, a
# server of another user attests, and then all that happens to services: stopped, killed, hanging,
# configured wrongly. About ten seconds.
. "$(dirname "$0")/lib.sh"
pid_of_machine='' init=''
boot=$support/boot.sh
why=$(sh "$boot" can) || skip "$why"
need swtpm openssl cmake systemctl nsenter "$python"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$RATLS_BINARY_DIR/CMakeCache.txt")
[ "$prefix" = /usr/local ] || skip "this build is not for /usr/local, but for $prefix"

leave() {
    code=$?
    # What a person would look at: the logs are gone with the machine.
    if [ "$code" -ne 0 ] && [ "$code" -ne 77 ] && [ -n "$init" ]; then
        for unit in web ratlsd; do
            inside journalctl --no-pager --quiet -o short-precise -u "$unit" \
                >"$work/$unit.log" || true
        done
    fi
    [ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
    [ -z "$pid_of_machine" ] || wait_for 5 ended "$pid_of_machine" || true
    sh "$boot" clean "$work" || true
    set +e
    (exit "$code")
    finish
}
trap leave EXIT

# ---- the machine

DESTDIR=$work/install cmake --install "$RATLS_BINARY_DIR" >"$work/install.log" 2>&1 ||
    fail "cmake --install"
mv "$work/install/usr/local" "$work/local"
start_tpm tpm
start machine sh "$boot" start "$work"

find_init() {
    init=$(ps -o pid= --ppid "$pid_of_machine" | tr -d ' ')
    [ "$(cat "/proc/$init/comm" 2>/dev/null)" = systemd ]
}
inside() {
    nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup --root --wd=/ \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LC_ALL=C SYSTEMD_PAGER= "$@"
}
is_up() {
    inside systemctl is-active --quiet multi-user.target
}
if ! wait_for 20 find_init || ! wait_for 20 is_up; then
    fail "systemd does not come up"
fi
ok "systemd is up"
root=/proc/$init/root

# ---- as the manual says

expect 0 "its user is made" inside systemd-sysusers
expect 0 "... in the group of the TPM" inside id ratls
has "(tss)"
mkdir -p "$root/etc/ratls/policies"
expect 0 "a key" inside ratls init --state /etc/ratls/server --tcti swtpm:path=/srv/sock
cp "$work/local/share/ratls/ratlsd.yaml" "$root/etc/ratls/"
printf 'boot-log: none\nima-list: none\n' >>"$root/etc/ratls/ratlsd.yaml"
expect 0 "the configuration is good" inside ratlsd --check-config
address=127.0.0.1
make_certificate server
cp "$work/server.pem" "$work/server.key" "$root/etc/ratls/"
expect 0 "a policy of what it is" inside ratls policy learn --local --state /etc/ratls/server \
    --server-name "$name" --pcrs sha256:0-7 --out /etc/ratls/policies/server.yaml
expect 0 "the units start" inside systemctl enable --now ratlsd.socket ratlsd.service
is_active() { # is_active UNIT [STATE]
    [ "$(inside systemctl is-active "$1")" = "${2:-active}" ]
}
is_active ratlsd.service || fail "ratlsd.service is not active"

# ---- a server of another user

cat >"$root/etc/ratls/openssl.cnf" <<END
.include /usr/local/share/ratls/openssl.cnf
[ratls]
role = server
agent = /run/ratls/agent.sock
log = stderr
END
cat >"$root/etc/systemd/system/web.service" <<END
[Service]
User=www-data
Environment=OPENSSL_CONF=/etc/ratls/openssl.cnf
ExecStart=/usr/bin/openssl s_server -quiet -www -tls1_3 -accept 127.0.0.1:8443 \\
    -cert /etc/ratls/server.pem -key /etc/ratls/server.key
END
journal() { # journal UNIT: since the test began
    inside journalctl --no-pager --quiet -o cat -u "$1" >"$work/journal.log"
}
has_logged() { # has_logged UNIT TEXT
    journal "$1" && grep -qF -- "$2" "$work/journal.log"
}
probe() {
    inside ratls probe --policy /etc/ratls/policies --server-name "$name" \
        --ca /etc/ratls/server.pem 127.0.0.1:8443
}
can_probe() {
    probe >"$work/probe.log" 2>&1
}
listens_inside() {
    grep -q "0100007F:20FB .* 0A" "/proc/$init/net/tcp"
}
inside systemctl start web.service
wait_for 10 listens_inside || fail "the server does not begin"
expect failure "who is not in the group of the socket cannot ask" probe
wait_for 5 has_logged web "permission denied: add the user www-data to the group ratls" ||
    fail "the server's log does not say what to do"
ok "... and the server's log says what to do"
inside usermod --append --groups ratls www-data
inside systemctl restart web.service
wait_for 10 listens_inside || fail "the server does not begin"
expect 0 "who is in it attests" probe
inside stat -c '%a %U %G' /run/ratls/agent.sock >"$work/output.log"
has "660 root ratls"
expect 0 "root sees the figures" inside ratlsd --status
has 'ratls_evidence_total{service="default"} 1'

# ---- what the sandbox leaves of it

main_pid() {
    inside systemctl show --property MainPID --value "$1"
}
in_sandbox() { # in_sandbox COMMAND...: as root, where ratlsd is
    inside nsenter --target "$(main_pid ratlsd)" --mount --net "$@"
}
grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "$root/proc/$(main_pid ratlsd)/status" |
    tr '\t' ' ' >"$work/output.log"
uid=$(inside id -u ratls)
has "Uid: $uid $uid $uid $uid"
has "CapEff: 0000000000000000"
has "NoNewPrivs: 1"
has "Seccomp: 2"
for file in /etc/x /usr/x /var/x /run/ratls/x; do
    expect failure "$file cannot be written" in_sandbox touch "$file"
    has "Read-only file system"
done
# Two lines of headings, and one device.
[ "$(wc -l <"$root/proc/$(main_pid ratlsd)/net/dev")" -eq 3 ] || fail "it has a network"
ok "it has no network"
# shellcheck disable=SC2016 # its own shell's
in_group='echo $$ >/sys/fs/cgroup/system.slice/ratlsd.service/cgroup.procs && exec "$@"'
mknod "$root/dev/kernel-log" c 1 11
expect failure "no device but the TPM can be opened" inside sh -c "$in_group" sh \
    head -c 1 /dev/kernel-log
has "Operation not permitted"
expect 0 "... but those that everybody may" inside sh -c "$in_group" sh head -c 1 /dev/zero

# ---- it is stopped, ended, killed, and hangs

expect 0 "it is stopped" inside systemctl stop ratlsd.service
is_active ratlsd.socket || fail "the socket went with it"
expect 0 "... and the next client starts it again (the socket)" probe
is_active ratlsd.service || fail "it was not started"
expect 0 "a restart" inside systemctl restart ratlsd.service
expect 0 "... and the server goes on" probe
before=$(main_pid ratlsd)
inside systemctl kill --signal KILL ratlsd.service
wait_for 5 is_active ratlsd.service activating || fail "it is not to be started again"
sleep 0.2 # until the server has seen the end of its connection, and looks for the next one
expect 0 "killed, it comes back before the client gives up" probe
[ "$(main_pid ratlsd)" != "$before" ] || fail "it was not killed"
mkdir "$root/etc/systemd/system/ratlsd.service.d"
printf '[Service]\nWatchdogSec=1\nTimeoutStopSec=1\n' \
    >"$root/etc/systemd/system/ratlsd.service.d/test.conf"
inside systemctl daemon-reload
inside systemctl restart ratlsd.service
before=$(main_pid ratlsd)
inside kill -STOP "$before"
is_another() {
    [ "$(main_pid ratlsd)" != "$before" ] && is_active ratlsd.service
}
wait_for 5 is_another || fail "one that hangs is not ended, or does not come back"
wait_for 5 has_logged ratlsd "Watchdog timeout" || fail "it was not the watchdog"
wait_for 5 can_probe || fail "the server does not go on with the next one"
ok "the watchdog ends one that hangs, and the server goes on"

# ---- other configurations

cp "$root/etc/ratls/ratlsd.yaml" "$work/good.yaml"
sed -i 's/\[default\]/[shop]/' "$root/etc/ratls/ratlsd.yaml"
expect 0 "other rules" inside systemctl reload ratlsd.service
wait_for 10 has_logged ratlsd "the configuration was read again" || fail "it is not read again"
expect failure "... count for a server that is connected" probe
has statement.service
echo 'nonsense: 1' >>"$root/etc/ratls/ratlsd.yaml"
sed -i 's/\[shop\]/[default]/' "$root/etc/ratls/ratlsd.yaml"
inside systemctl reload ratlsd.service
wait_for 10 has_logged ratlsd "nonsense: unknown key; the configuration stays as it was" ||
    fail "what is wrong is not logged"
ok "what is wrong is logged, and nothing changes"
is_active ratlsd.service || fail "a wrong configuration ended it"
printf '[Unit]\nStartLimitBurst=4\n[Service]\nRestartSec=100ms\n' \
    >"$root/etc/systemd/system/ratlsd.service.d/test.conf"
inside systemctl daemon-reload
expect failure "it does not begin with it" inside systemctl restart ratlsd.service
wait_for 20 is_active ratlsd.service failed || fail "systemd does not give up"
wait_for 20 is_active ratlsd.socket failed || fail "the socket stays when systemd gave up"
ok "... and systemd gives up"
expect failure "then nobody attests, at once" probe
wait_for 5 has_logged web "no agent listens at /run/ratls/agent.sock: start ratlsd" ||
    fail "the server does not say so"
cp "$work/good.yaml" "$root/etc/ratls/ratlsd.yaml"
mkdir -p "$root/var/lib/prometheus/node-exporter"
inside chown ratls /var/lib/prometheus/node-exporter
printf 'metrics: /var/lib/prometheus/node-exporter/ratlsd.prom\n' >>"$root/etc/ratls/ratlsd.yaml"
printf '[Service]\nReadWritePaths=/var/lib/prometheus/node-exporter\n' \
    >"$root/etc/systemd/system/ratlsd.service.d/test.conf"
inside systemctl daemon-reload
inside systemctl reset-failed ratlsd.socket ratlsd.service
expect 0 "mended, it is started again" inside systemctl start ratlsd.socket ratlsd.service
expect 0 "and all is well" probe
wait_for 5 test -s "$root/var/lib/prometheus/node-exporter/ratlsd.prom" || fail "no metrics"
ok "metrics are written where the manual says"
expect 0 "it is stopped for good" inside systemctl disable --now ratlsd.socket ratlsd.service
[ ! -e "$root/run/ratls/agent.sock" ] || fail "the socket is left behind"
