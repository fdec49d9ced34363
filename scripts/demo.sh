#!/bin/sh
# Shows attested TLS between an unmodified nginx and an unmodified curl, on this machine alone, with
# a software TPM. Builds what it needs; leaves nothing behind but the build folder. With RATLS_BUILD
# it takes the programs of that build folder as they are.
set -eu
cd "$(dirname "$0")/.."
source=$PWD
PATH=$PATH:/usr/sbin

say() {
    printf '\n\033[1m== %s\033[0m\n' "$*"
}
[ -t 1 ] || say() {
    printf '\n== %s\n' "$*"
}
show() { # show COMMAND...: as one would type it, then what it prints
    printf '$ %s\n' "$*"
    "$@"
}
fail() {
    echo "demo.sh: $*" >&2
    tail -n 20 "$work"/*.log >&2 || true
    exit 1
}

if [ -z "${RATLS_BUILD:-}" ]; then
    say "build"
    sh scripts/install-packages.sh demo
    mkdir -p build
    sh scripts/build.sh >build/demo.log 2>&1 || { tail -n 40 build/demo.log >&2; exit 1; }
    echo "ratls, libratls.so and the OpenSSL provider ratls.so are in build/release"
fi
build=${RATLS_BUILD:-$source/build/release}
PATH=$build/bin:$PATH

work=$(mktemp -d)
# The workers of nginx run as another user.
chmod 711 "$work"
cd "$work"
pids=
finish() {
    code=$?
    trap - EXIT INT TERM
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM
wait_for() { # wait_for COMMAND...: ten seconds at most
    tries=200
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "gave up waiting for: $*"
        sleep 0.05
    done
}

say "a machine with a TPM"
mkdir "$work/tpm"
swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --server "type=unixio,path=$work/tpm.sock" \
    --ctrl "type=unixio,path=$work/tpm.sock.ctrl" --flags not-need-init,startup-clear \
    >"$work/swtpm.log" 2>&1 &
pids="$pids $!"
wait_for test -S "$work/tpm.sock.ctrl"
chmod 666 "$work/tpm.sock" "$work/tpm.sock.ctrl"
tcti=swtpm:path=$work/tpm.sock
# What a firmware does: measure what is started, before it is started.
measure() {
    tpm2_pcrextend -T "$tcti" "$1:sha256=$(printf %s "$2" | sha256sum | cut -d ' ' -f 1)"
}
measure 0 "firmware 1.0"
measure 4 "boot loader 1.0"
measure 7 "Secure Boot is on"
echo "swtpm runs; firmware, boot loader and Secure Boot state are measured into PCRs 0, 4 and 7"
cp "$build/ossl-modules/ratls.so" "$work/"
show ratls init --state state --tcti "$tcti"

say "an unmodified nginx, attested by four lines of openssl.cnf and one environment variable"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/server.key" \
    -out "$work/server.pem" -days 2 -subj /CN=bank.example \
    -addext subjectAltName=DNS:bank.example 2>"$work/req.log"
cat >"$work/openssl.cnf" <<CONF
.include $build/share/ratls/openssl.cnf
[ratls]
role = server
state = $work/state
CONF
printf '$ cat openssl.cnf\n'
cat openssl.cnf
# The demo alone: the module where the user of nginx's workers can read it.
echo "module = $work/ratls.so" >>"$work/openssl.cnf"
port=8443
while awk -v port="$(printf '%04X' "$port")" \
    '{ split($2, a, ":"); if (a[2] == port) found = 1 } END { exit !found }' /proc/net/tcp; do
    port=$((port + 1))
done
sed -e "s|/etc/ratls|$work|g" -e "s|/run/ratls|$work|g" -e "s|0\\.0\\.0\\.0:8443|127.0.0.1:$port|" \
    "$source/examples/server/nginx.conf" >"$work/nginx.conf"
printf '$ OPENSSL_CONF=openssl.cnf nginx -c nginx.conf\n'
start_nginx() {
    env "$@" nginx -c "$work/nginx.conf" -g 'daemon off;' >"$work/nginx.log" 2>&1 &
    nginx=$!
    pids="$pids $nginx"
    wait_for curl -k -s "https://127.0.0.1:$port/"
}
stop_nginx() {
    kill "$nginx"
    wait "$nginx" || true
}
start_nginx OPENSSL_CONF="$work/openssl.cnf"

say "a policy, learned from the running server"
mkdir policies
show ratls policy learn --server-name bank.example --pcrs sha256:0-7 \
    --out policies/bank.yaml "127.0.0.1:$port"
printf '\n$ cat policies/bank.yaml\n'
cat policies/bank.yaml

say "an unmodified curl verifies, and is satisfied"
cat >"$work/client.cnf" <<CONF
openssl_conf = ratls_conf
[ratls_conf]
providers = ratls_providers
[ratls_providers]
base = ratls_base
ratls = ratls
[ratls_base]
activate = 1
[ratls]
module = $build/ossl-modules/ratls.so
activate = 1
role = client
policy = $work/policies
log = stderr
CONF
log_in() { # log_in USER-AGENT
    printf '$ OPENSSL_CONF=client.cnf curl --user customer:secret https://bank.example:%s/\n' \
        "$port"
    OPENSSL_CONF=$work/client.cnf curl -sS --cacert "$work/server.pem" --user customer:secret \
        --user-agent "$1" --resolve "bank.example:$port:127.0.0.1" "https://bank.example:$port/"
}
log_in before || fail "curl refused a server that it should accept"
show ratls probe --policy policies --ca server.pem --server-name bank.example "127.0.0.1:$port"

say "somebody boots other software: PCR 4 changes, and curl refuses"
measure 4 "boot loader of an attacker"
if log_in after; then fail "curl accepted a changed server"; fi
echo
show ratls probe --policy policies --ca server.pem --server-name bank.example "127.0.0.1:$port" &&
    fail "the tool accepted a changed server"
printf '\nThe requests that nginx saw: '
grep -c '"before"' "$work/nginx-access.log"
if grep -q '"after"' "$work/nginx-access.log"; then fail "a request left after the refusal"; fi
echo "The refused curl sent nothing of its request: no user, no password, not even a path."

say "a server without evidence is refused, too"
stop_nginx
start_nginx -u OPENSSL_CONF
if log_in plain; then fail "curl accepted a server without evidence"; fi
if grep -q '"plain"' "$work/nginx-access.log"; then fail "a request left after the refusal"; fi

say "done: accepted once, refused twice"
