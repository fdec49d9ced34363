#!/bin/sh
# `ratls exec --watch`: connections of unmodified programs to an unmodified nginx live as long as
# its machine is what it was, and end within one renewal period once it is not.
# shellcheck disable=SC2154 # pid_of_ANYTHING is set by start
. "$(dirname "$0")/lib.sh"
need nginx curl tpm2_pcrread
extend=$RATLS_BINARY_DIR/bin/extend_log
[ -x "$extend" ] || fail "extend_log is not built"
prepare
start_mux --hang --disarmed
tpm_tcti=$tcti

# ---- a machine with a list of measured files, and nginx on it with something to download

list=$work/ima
extended=0
extend_list() {
    "$extend" --tcti "$tpm_tcti" --ima-list "$list" --ima-offset "$extended" \
        >"$work/extend.log" 2>&1 || fail "extend_log"
    extended=$(wc -c <"$list")
}
run_file() { # run_file NAME: the machine measures it
    "$python" "$support/ima_list.py" "$list" add 1 "$1"
    extend_list
}
tpm2_pcrread -Q -T "$tcti" -o "$work/pcrs" sha256:0,1,2,3,4,5,6,7,8,9
"$python" "$support/ima_list.py" "$list" begin "$work/pcrs"
"$python" "$support/ima_list.py" "$list" allow 1 good >"$work/allowed.sha256"
extend_list
run_file good
cat >>"$work/policies/server.yaml" <<END
ima:
  allow: [../allowed.sha256]
END
printf 'tcti = %s\nboot-log = none\nima-list = %s\n' "$tcti" "$list" >>"$work/server.cnf"

mkdir "$work/files"
chmod 755 "$work/files"
head -c 3000000 /dev/urandom >"$work/files/short"
head -c 60000000 /dev/zero >"$work/files/long"
chmod 644 "$work/files/short" "$work/files/long"
use_example nginx.conf
sed -i "s|return 200 .*|root $work/files;|" "$work/nginx.conf"

serve() { # serve NAME CONF: nginx on $port
    start "$1" env OPENSSL_CONF="$2" nginx -c "$work/nginx.conf" -g 'daemon off;'
    wait_until_listening "$1" "$port"
}
serve nginx "$work/server.cnf"

# ---- clients

watching() { # watching [OPTION...] -- PROGRAM...: only for start and expect
    exec "$ratls" exec --policy "$work/policies" --module "$module" --watch=1s --max-age 4s "$@"
}
curl_words() { # curl_words FILE OUT [PORT]
    echo "curl --silent --show-error --fail --cacert $work/server.pem --limit-rate 600k" \
        "--resolve $name:${3:-$port}:$address --output $2 https://$name:${3:-$port}/$1"
}
begun() { # begun FILE: something of a download is there
    [ -s "$1" ]
}
now_ms() {
    awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}
begin_download() { # begin_download NAME [OPTION...]: of the long file, watched
    download=$1
    shift
    rm -f "$work/$download.out"
    # shellcheck disable=SC2046 # words
    start "$download" watching "$@" -- $(curl_words long "$work/$download.out")
    wait_for 20 begun "$work/$download.out" || fail "$download does not begin"
}
running() { # running NAME
    eval "running_pid=\$pid_of_$1"
    ! ended "$running_pid"
}
# expect_ended NAME SECONDS CODE: since $changed
expect_ended() {
    eval "waited=\$pid_of_$1"
    wait_for "$2" ended "$waited" || fail "$1 goes on"
    took=$(($(now_ms) - changed))
    code=0
    wait "$waited" || code=$?
    [ "$code" -eq "$3" ] || fail "$1: ended with $code, not $3"
    ok "$1 ended after $took ms"
    cp "$work/$1.log" "$work/output.log"
}
boot() { # the TPM as it was, in another boot
    timeout 20 tpm2_shutdown -T "$tpm_tcti" --clear # else its clock is not safe
    stop mux
    stop tpm
    rm -f "$work/mux" "$work/mux.ctrl" "$list"
    start_tpm tpm
    extended=0 tpm_tcti=$tcti
    "$python" "$support/ima_list.py" "$list" begin "$work/pcrs"
    extend_list
    run_file good
    start_mux --hang --disarmed # nobody has seen it before it was ready
    tpm_tcti=$tcti
}
restart() {
    stop nginx
    boot
    serve nginx "$work/server.cnf"
}

# ---- nothing changes

# shellcheck disable=SC2046 # words
expect 0 "an honest server: the download is complete" watching -- \
    $(curl_words short "$work/short.out")
cmp "$work/files/short" "$work/short.out" || fail "another file than the server has"
ok "... byte for byte"
expect 22 "the program's own exit code is that of ratls exec" watching -- \
    curl --silent --fail --cacert "$work/server.pem" --resolve "$name:$port:$address" \
    "https://$name:$port/missing"
expect 7 "that of a shell, too" watching -- sh -c "$(curl_words short /dev/null) && exit 7"

# ---- a file that is not allowed

begin_download curl
# Beside it: one that nobody watches, and a program that holds a connection and says nothing.
# shellcheck disable=SC2046 # words
start unwatched "$ratls" exec --policy "$work/policies" --module "$module" -- \
    $(curl_words long "$work/unwatched.out")
wait_for 20 begun "$work/unwatched.out" || fail "the unwatched download does not begin"
cat >"$work/idle.py" <<'PYTHON'
import socket, ssl, sys

address, port, name, ca, done = sys.argv[1:6]
context = ssl.create_default_context(cafile=ca)
with socket.create_connection((address, int(port))) as connection:
    with context.wrap_socket(connection, server_hostname=name) as tls:
        open(done, "w").write("connected\n")
        try:
            tls.recv(1)
        except OSError as error:
            print("ended:", error)
        try:
            tls.send(b"secret")
            print("sent")
        except OSError as error:
            print("not sent:", error)
PYTHON
start python watching -- "$python" "$work/idle.py" "$address" "$port" "$name" "$work/server.pem" \
    "$work/python.out"
wait_for 20 begun "$work/python.out" || fail "python does not connect"
sleep 2
running curl || fail "curl ended by itself"
running python || fail "python ended by itself"

run_file evil
changed=$(now_ms)
expect_ended python 20 1
[ "$took" -le 10000 ] || fail "not within renewal periods"
has "not sent: "
has ima.allow
expect_ended curl 20 1
has "is not to be trusted any more; 1 connection ended"
has ima.allow
has /usr/evil
running unwatched || fail "a program that is not watched ended"
ok "a program that is not watched goes on"
stop unwatched

# ---- a PCR that changes; another server of the same program stays

restart
port_of_first=$port
cp "$work/nginx.conf" "$work/nginx1.conf"
cp "$work/server.cnf" "$work/server1.cnf"
port=$(free_port)
sed -e "s|:$port_of_first|:$port|" -e "s|nginx.pid|nginx2.pid|" "$work/nginx1.conf" \
    >"$work/nginx.conf"
start_tpm tpm2
init_machine state2
key=$(sed -n 's/^ *Name *//p' "$work/init.log")
sed -i "s|^attestation-keys:.*|&\n  - name: \"$key\"|" "$work/policies/server.yaml"
grep -q "$key" "$work/policies/server.yaml" || fail "no attestation-keys in the learned policy"
list2=$work/ima2
"$python" "$support/ima_list.py" "$list2" begin "$work/pcrs"
"$extend" --tcti "$tcti" --ima-list "$list2" --ima-offset 0 >"$work/extend.log" 2>&1 ||
    fail "extend_log"
sed -e "s|^state = .*|state = $state|" -e "s|^tcti = .*|tcti = $tcti|" \
    -e "s|^ima-list = .*|ima-list = $list2|" "$work/server1.cnf" >"$work/server2.cnf"
serve nginx2 "$work/server2.cnf"
port_of_second=$port
port=$port_of_first
tcti=$tpm_tcti

begin_download curl
start both watching -- sh -c "$(curl_words long "$work/one.out" "$port_of_first") &
    $(curl_words short "$work/two.out" "$port_of_second"); wait"
wait_for 20 begun "$work/one.out" || fail "the first of both does not begin"
wait_for 20 begun "$work/two.out" || fail "the second of both does not begin"
extend_pcr 7
changed=$(now_ms)
expect_ended curl 20 1
[ "$took" -le 10000 ] || fail "not within renewal periods"
has pcr.value
has "sha256[7]"
size=$(wc -c <"$work/curl.out")
[ "$size" -lt 60000000 ] || fail "the download is complete"
expect_ended both 20 1
has "1 connection ended"
cmp "$work/files/short" "$work/two.out" || fail "the other server's file is not whole"
ok "the connection to another server went on"
stop nginx2
cp "$work/nginx1.conf" "$work/nginx.conf"

# ---- another boot of the same machine: the old connection is there, as if it had been kept

restart
begin_download curl
boot
changed=$(now_ms)
expect_ended curl 20 1
has rebooted

# ---- silence

restart
begin_download curl
kill -USR1 "$pid_of_mux" # from now on the TPM does not answer
changed=$(now_ms)
sleep 1
running curl || fail "curl ended while the last verdict held"
expect_ended curl 20 1
[ "$took" -ge 1000 ] || fail "before max-age"
has max-age
kill -USR2 "$pid_of_mux"

# ---- what cannot be watched is not connected to

begin_download curl
kill -KILL "$pid_of_curl"
no_longer_grows() {
    size=$(wc -c <"$work/curl.out")
    sleep 2
    [ "$size" -eq "$(wc -c <"$work/curl.out")" ]
}
wait_for 3 no_longer_grows || fail "curl goes on without ratls exec"
ok "curl ends with ratls exec"
client_conf
printf 'watch = %s\n' "$work/nobody" >>"$work/client.cnf"
expect failure "nobody watches" get
has "cannot be watched"
expect 3 "a configuration that does not announce" watching --conf "$work/share/openssl.cnf" -- true
