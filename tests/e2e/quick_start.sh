#!/bin/sh
# The quick start of README.md, with the lines that stand there: installed, not from the build tree.
. "$(dirname "$0")/lib.sh"
need swtpm nginx curl cmake
readme=$RATLS_SOURCE_DIR/README.md

# What is installed to /usr/local there goes to a folder of our own here, and /etc/ratls and
# /var/lib/ratls too; the TPM is a software TPM.
here() {
    sed -e "s|/usr/local|$work/usr/local|g" -e "s|/etc/ratls|$work/etc|g" \
        -e "s|/var/lib/ratls|$work/state|g" -e "s|device:/dev/tpmrm0|$tcti|g" "$@"
}
commands() { # commands PATTERN: the lines of the README that match, without what only root may do
    sed -n "s/^    \\(sudo \\)\\{0,1\\}\\($1\\)/\\2/p" "$readme" | here
}

start_tpm tpm
DESTDIR=$work cmake --install "$RATLS_BINARY_DIR" >"$work/install.log" 2>&1 ||
    fail "cmake --install"
[ -d "$work/usr/local/bin" ] || fail "not installed to /usr/local"
conf=$work/usr/local/share/ratls/openssl.cnf
here "$conf" >"$work/conf" && cp "$work/conf" "$conf"
# `ratls exec` knows the installed module by its whole path, or else looks beside its own folder.
ln -s lib/ossl-modules "$work/usr/local/ossl-modules"
LD_LIBRARY_PATH=$work/usr/local/lib
PATH=$work/usr/local/bin:$PATH
export LD_LIBRARY_PATH
chmod -R a+rX "$work/usr"
mkdir "$work/etc"

run=$(commands 'ratls init .*')
[ -n "$run" ] || fail "the README has no ratls init"
expect 0 "$run" sh -c "$run --state $work/state"
sed -n '/^    \.include/,/^    state = /s/^    //p' "$readme" | here >"$work/etc/openssl.cnf"
[ "$(grep -c . "$work/etc/openssl.cnf")" -eq 4 ] || fail "the README has not four lines"
grep -qx "role = server" "$work/etc/openssl.cnf" || fail "the four lines make no server"
make_certificate server
port=$(free_port)
use_example nginx.conf
start nginx env "$(commands 'Environment=OPENSSL_CONF=.*' | sed 's/^Environment=//')" \
    nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"

cd "$work"
# bank.example is this machine, and its certificate is known to the system, so to speak.
at_the_bank() {
    sed -e "s|bank.example:443|--server-name $name $address:$port|" \
        -e "s|ratls probe|ratls probe --ca $work/server.pem|" \
        -e "s|curl https://bank.example/|curl -sS --fail --cacert $work/server.pem --resolve \
$name:$port:$address https://$name:$port/|"
}
for pattern in 'ratls policy learn .*' 'ratls probe .*' 'ratls exec .*'; do
    run=$(commands "$pattern" | at_the_bank)
    [ -n "$run" ] || fail "the README has no '$pattern'"
    expect 0 "$run" sh -c "$run"
done
has welcome

# shellcheck disable=SC2016 # what stands between backquotes there
run=$(sed -n 's/.*`\(ratls policy update --dry-run [^`]*\)`.*/\1/p' "$readme" | at_the_bank)
[ -n "$run" ] || fail "the README has no ratls policy update"
expect 0 "$run" sh -c "$run"

mkdir "$work/etc/policies"
cp bank.yaml "$work/etc/policies/"
example=$(commands 'install -m 644 .*' | cut -d ' ' -f 4)
[ -n "$example" ] || fail "the README names no configuration of a client"
here "$RATLS_SOURCE_DIR/$example" >"$work/client.cnf"
expect 0 "a client with the configuration that the README names" get
has welcome
# The same lines stand in the manual page.
sed -n '/^openssl_conf/,/^```/p' "$RATLS_SOURCE_DIR/libratls/man/ratls-provider.7.scd" |
    grep -v '^```' | here >"$work/client.cnf"
expect 0 "a client with the lines of ratls-provider(7)" get
has welcome
expect 0 "a way to be sure" env OPENSSL_CONF="$work/client.cnf" openssl list -providers
has ratls
extend_pcr 7
expect 35 "refuses after a PCR has changed" get
has pcr.value
run=$(commands 'ratls exec .*' | at_the_bank)
expect 35 "so does ratls exec" sh -c "$run"
