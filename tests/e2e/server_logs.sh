#!/bin/sh
# A server's logs, by its openssl.cnf: nginx opens them as root, and its workers, which could not,
# send them; `none` keeps them, and one that is missing is said once.
. "$(dirname "$0")/lib.sh"
need nginx tpm2_pcrextend
[ "$(id -u)" -eq 0 ] || skip "only root can open what its workers cannot"
measured=$RATLS_SOURCE_DIR/tests/vectors/measured
prepare
use_example nginx.conf
cp "$measured/boot.bin" "$measured/ima.bin" "$work"
chmod 600 "$work/boot.bin" "$work/ima.bin"
"$RATLS_BINARY_DIR/bin/extend_log" --tcti "$tcti" --boot-log "$work/boot.bin" \
    --ima-list "$work/ima.bin" || fail "extend_log"
learn_policy
# Only so that the logs are asked for: what the policy says of them is another test's.
printf '%064d  /nothing\n' 1 >"$work/policies/none.sha256"
cat >>"$work/policies/server.yaml" <<END
boot:
  secure-boot: ignored
  images: [none.sha256]
ima:
  allow: [none.sha256]
END

serve() { # serve LINE...: with these lines in the server's configuration
    server_conf
    printf '%s\n' "$@" 'log = stderr' >>"$work/server.cnf"
    start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
    wait_until_listening nginx "$port"
}

# Evidence as a client gets it; whatever it thinks of it.
ask() { # ask WHAT EXPRESSION: of the evidence e
    rm -f "$work/capture"
    "$ratls" probe --policy "$work/policies" --server-name "$name" --ca "$work/server.pem" \
        --save "$work/capture" "$address:$port" >"$work/output.log" 2>&1 || true
    "$ratls" show --json "$work/capture" >"$work/shown.json" || fail "no capture"
    "$python" -c 'import json, sys
e = json.load(open(sys.argv[1]))["evidence"]
sys.exit(not eval(sys.argv[2]))' "$work/shown.json" "$2" || fail "$1: not $2"
    ok "$1"
}

serve "boot-log = $work/boot.bin" "ima-list = $work/ima.bin"
ask "workers send the boot log" 'e["bootLog"]["banks"] == ["sha256"] and e["bootLog"]["events"] > 9'
ask "and the IMA list" 'e["imaList"]["length"] == e["imaList"]["total"] == 813'
lacks "is not sent" "$work/nginx.log"
# The kernel appends: the same file is longer, and is read anew.
cat "$measured/ima.bin" >>"$work/ima.bin"
ask "a list that grows is read anew" 'e["imaList"]["total"] == 1626'
stop nginx

serve "boot-log = none" "ima-list = none"
ask "none: neither is sent" '"bootLog" not in e and "imaList" not in e'
lacks "is not sent" "$work/nginx.log"
stop nginx

serve "boot-log = $work/no-such-log" "ima-list = none"
ask "a file that is missing is not sent" '"bootLog" not in e'
has "the boot log is not sent: $work/no-such-log: No such file or directory" "$work/nginx.log"
