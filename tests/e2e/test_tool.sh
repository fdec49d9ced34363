#!/bin/sh
# The tool by itself: keys, certificates and policies in files, its manual pages, and how it ends.
# Needs no provider, so it runs with sanitizers too.
. "$(dirname "$0")/lib.sh"
need swtpm tpm2_pcrextend openssl "$python"

# is_json EXPRESSION: the output is one JSON document, d, of which the expression holds.
is_json() {
    "$python" -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$work/output.log" "$1" || fail "not JSON, or not: $1"
    ok "... as JSON, with $1"
}

options_of_help() { # those of "ratls COMMAND --help", and --help itself
    # shellcheck disable=SC2086 # a command may be two words
    "$ratls" $1 --help | sed -n 's/^  \(-o, \)\{0,1\}--\([a-z-]*\).*/\2/p' | sort
}

same_options() { # same_options COMMAND PAGE HEADING
    options_of_help "$1" >"$work/help"
    awk -v heading="# $3" '$0 == heading { on = 1; next } /^# / { on = 0 } on' \
        "$RATLS_SOURCE_DIR/tools/man/$2.1.scd" |
        sed -n 's/^\*--\([a-z-]*\)\*.*/\1/p' | sort >"$work/manual"
    [ -s "$work/help" ] || fail "$1 has no options in its help"
    diff "$work/help" "$work/manual" || fail "options of '$1': help (<) and manual page (>) differ"
    ok "options of '$1' are the same in help and manual page"
}

for command in init cert probe show verify exec; do
    same_options "$command" "ratls-$command" OPTIONS
done
same_options "ca request" ratls-ca "OPTIONS OF REQUEST"
same_options "ca answer" ratls-ca "OPTIONS OF ANSWER"
same_options "ca install" ratls-ca "OPTIONS OF INSTALL"
same_options "policy learn" ratls-policy "OPTIONS OF LEARN"
same_options "policy update" ratls-policy "OPTIONS OF UPDATE"
same_options "policy diff" ratls-policy "OPTIONS OF DIFF"
same_options "policy explain" ratls-policy "OPTIONS OF EXPLAIN"
same_options "policy compile" ratls-policy "OPTIONS OF COMPILE"
same_options "policy lint" ratls-policy "OPTIONS OF LINT"
same_options "policy forget-counters" ratls-policy "OPTIONS OF FORGET-COUNTERS"

expect 0 "--version" "$ratls" --version
has "ratls "
for command in init cert probe show verify exec "policy learn" "policy update" "policy diff" \
    "policy explain" "policy compile" "policy lint" "policy forget-counters"; do
    # shellcheck disable=SC2086 # a command may be two words
    expect 0 "help $command" "$ratls" help $command
    has "Usage: ratls $command"
    has "Example:"
done

# Wrong usage: 2, and a complaint that names the command.
usage() { # usage SAID ARGUMENT...
    said=$1
    shift
    expect 2 "wrong usage: ratls $*" "$ratls" "$@"
    has "$said"
}
usage "Usage: ratls COMMAND"
usage "ratls: there is no command 'prove'" prove
usage "ratls policy: there is no command 'teach'" policy teach
usage "--no-such-option" probe --no-such-option
usage "name one server" probe
usage "'bank.example:0' is no server" probe bank.example:0 --timeout 1
usage "'[::1' is no server" probe '[::1'
usage "--timeout: '0' is not a number" probe localhost --timeout 0
usage "exclude each other" probe localhost --ca x --insecure-no-pki
usage "name one file" show
usage "--policy says" verify x
usage "'x' is too much" init x
usage "neither ecdsa-p256 nor rsa-2048" init --algorithm rsa-1024
usage "--name says" cert
usage "'no name' is no DNS name" cert --name 'no name' --out "$work/x" --key "$work/y"
usage "--sign-csr needs" cert --sign-csr x
usage "name a program" exec
usage "--local needs --server-name" policy learn --local
usage "'sha256:24' is no PCR selection" policy learn localhost --pcrs sha256:24
usage "'sha256:1,1' is no PCR selection" policy learn localhost --pcrs sha256:1,1
usage "'sha1:0' is no PCR selection" policy learn localhost --pcrs sha1:0
usage "name a policy" policy lint
usage "say the state folder" policy forget-counters 000b
usage "the Name of one attestation key" policy forget-counters --state "$work"
usage "name two files" policy diff x
usage "name one policy" policy explain
usage "name a policy, and the machine" policy update
usage "exclude each other" policy learn localhost --into x --out y
usage "name a file of reference values" policy compile --out x
usage "--out says" policy compile x

# Could not work: 3.
expect 3 "no such file" "$ratls" show "$work/nothing"
has "No such file"
expect 3 "nobody listens" "$ratls" probe "$address:1"
has "ratls probe: cannot connect to $address:1: Connection refused"
expect 3 "no key yet" "$ratls" cert --state "$work/nothing" --name a.test --out "$work/x" \
    --key "$work/y"
if [ -e "$work/x" ] || [ -e "$work/y" ]; then fail "a failed cert left files"; fi
printf 'nonsense' >"$work/nonsense"
expect 3 "neither evidence nor anything else" "$ratls" show "$work/nonsense"
# shellcheck disable=SC2016 # for the inner shell
expect 3 "output that is lost" sh -c '"$1" help show >/dev/full' sh "$ratls"
has "ratls show: standard output: No space left on device"
logs=$RATLS_SOURCE_DIR/tests/vectors/logs.evidence.cbor
expect 0 "show evidence with logs" "$ratls" show "$logs"
has "this is not all"
expect 0 "... as JSON" "$ratls" show --json "$logs"
is_json 'd["bootLog"] == {"banks": ["sha256"], "events": 2, "length": 119}'
is_json 'd["imaList"]["entries"] == 1 and d["imaList"]["offset"] == 0x12345'
batch=$RATLS_SOURCE_DIR/tests/vectors/batch.evidence.cbor
expect 0 "show evidence for a client that knows the key" "$ratls" show "$batch"
has "key of the request"
has "sessions in it"
expect 0 "... as JSON" "$ratls" show --json "$batch"
is_json 'd["attestationKey"] == {"keyOfRequest": 1} and d["certificates"] == []'
is_json 'd["statement"]["manifest"] == "" and d["quote"]["treeSize"] == 3'

# init and show.
start_tpm tpm
state=$work/state
expect 0 "init" "$ratls" init --state "$state" --tcti "$tcti"
has "role = server"
has "state = $state"
has "openssl.cnf"
expect 2 "init keeps the key that there is" "$ratls" init --state "$state" --tcti "$tcti"
has "--replace"
expect 0 "show the key" "$ratls" show "$state"
has "restricted sign"
cp "$work/output.log" "$work/key"
expect 0 "show --json the key" "$ratls" show --json "$state"
is_json 'd["kind"] == "attestation-key" and d["restrictedSigningKey"] and len(d["name"]) == 68'
expect 0 "init --replace --json" "$ratls" init --state "$state" --tcti "$tcti" --replace --json
is_json 'd["kind"] == "init" and d["algorithm"] == "ecdsa-p256" and len(d["name"]) == 68'
expect 0 "show the other key" "$ratls" show "$state"
if cmp -s "$work/output.log" "$work/key"; then fail "--replace kept the key"; fi
expect 0 "init with RSA" "$ratls" init --state "$work/rsa" --tcti "$tcti" --algorithm rsa-2048 \
    --transient
expect 0 "show the RSA key" "$ratls" show "$work/rsa"
has "RSA-2048"

# cert, verify and show.
cert() {
    "$ratls" cert --state "$state" --name bank.test --name 192.0.2.7 --name 2001:db8::7 "$@"
}
crt=$work/bank.crt key=$work/bank.key
expect 0 "cert" cert --out "$crt" --key "$key"
[ "$(stat -c %a "$key")" = 600 ] || fail "the private key has mode $(stat -c %a "$key")"
openssl x509 -in "$crt" -noout -text >"$work/output.log"
has "DNS:bank.test, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7"
has "1.3.6.1.5.5.7.1.35"
openssl verify -CAfile "$crt" "$crt" >"$work/output.log" 2>&1 || fail "openssl verify"
cp "$key" "$work/before"
expect 2 "cert overwrites nothing" cert --out "$crt" --key "$key"
has "exists already; --force"
cmp -s "$key" "$work/before" || fail "the key was overwritten"
expect 0 "cert --reuse-key --force" cert --out "$crt" --key "$key" --reuse-key --force
cmp -s "$key" "$work/before" || fail "--reuse-key made a new key"
expect 0 "show the certificate" "$ratls" show "$crt"
has "made inside a TPM yes"
has "sha256  7 "
expect 0 "show --json the certificate" "$ratls" show --json "$crt"
is_json 'd["hasEvidence"] and sorted(map(int, d["evidence"]["pcrs"]["sha256"])) == list(range(8))'
openssl x509 -in "$crt" -outform DER -out "$work/bank.der"
expect 0 "show a certificate in DER" "$ratls" show "$work/bank.der"
expect 0 "cert with RSA and two banks" cert --out "$work/rsa.crt" --key "$work/rsa.key" \
    --key-algorithm rsa-2048 --pcrs sha256:0,7+sha384:0-2
expect 0 "show two banks" "$ratls" show --json "$work/rsa.crt"
is_json '[len(v) for v in d["evidence"]["pcrs"].values()] == [2, 3]'

expect 0 "learn from the local TPM" "$ratls" policy learn --local --state "$state" \
    --server-name bank.test --out "$work/bank.yaml"
has "WARNING: trust on first use"
expect 2 "learn overwrites nothing" "$ratls" policy learn --local --state "$state" \
    --server-name bank.test --out "$work/bank.yaml"
expect 0 "show the policy" "$ratls" show --json "$work/bank.yaml"
is_json 'd["policies"][0]["servers"] == ["bank.test"] and len(d["policies"][0]["pcrs"]) == 8'
verify() {
    "$ratls" verify --policy "$work/bank.yaml" --server-name bank.test "$@"
}
expect 1 "a learned policy wants fresh evidence" verify "$crt"
has "evidence.present"
printf 'freshness: certificate\nmax-age: 1h\n' >>"$work/bank.yaml"
expect 0 "verify accepts" verify "$crt"
has "ACCEPTED"
expect 0 "verify --json accepts" verify --json "$crt"
is_json 'd["accepted"] and {c["verdict"] for c in d["checks"]} == {"pass", "not asked"}'
expect 2 "no rules for another name" "$ratls" verify --policy "$work/bank.yaml" \
    --server-name other.test "$crt"
expect 2 "no rules without a name" "$ratls" verify --policy "$work/bank.yaml" "$crt"
has "--server-name says which one is meant: 1 file speaks for"
make_certificate plain
expect 1 "verify refuses a certificate without evidence" verify "$work/plain.pem"
has "carries no evidence"
expect 3 "verify knows what it reads" verify "$work/nonsense"

# A CA signs what carries evidence, and takes over nothing else.
expect 0 "cert --csr" cert --csr --out "$work/bank.csr" --key "$work/csr.key"
expect 0 "show the request" "$ratls" show --json "$work/bank.csr"
is_json 'd["kind"] == "certificate-request" and d["signatureValid"] and d["hasEvidence"]'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" \
    -out "$work/ca.crt" -days 1 -subj "/CN=ca" 2>"$work/req.log"
sign() { # sign CSR
    "$ratls" cert --sign-csr "$1" --ca "$work/ca.crt" --ca-key "$work/ca.key" \
        --out "$work/signed.crt" --force
}
expect 0 "cert --sign-csr" sign "$work/bank.csr"
openssl verify -CAfile "$work/ca.crt" -verify_hostname bank.test "$work/signed.crt" \
    >"$work/output.log" 2>&1 || fail "openssl verify of what the CA signed"
expect 0 "verify accepts what the CA signed" verify "$work/signed.crt"
openssl req -new -key "$work/csr.key" -subj "/CN=x" -addext "subjectAltName=DNS:x.test" \
    -addext "basicConstraints=CA:TRUE" -out "$work/plain.csr" 2>"$work/req.log"
expect 3 "a CA signs no request without evidence" sign "$work/plain.csr"
has "carries no evidence"
openssl req -in "$work/bank.csr" -outform DER -out "$work/bank.csr.der"
"$python" -c 'import base64, sys
der = bytearray(open(sys.argv[1], "rb").read())
der[-1] ^= 1
pem = base64.encodebytes(der).decode()
print("-----BEGIN CERTIFICATE REQUEST-----\n" + pem + "-----END CERTIFICATE REQUEST-----")' \
    "$work/bank.csr.der" >"$work/forged.csr"
expect 3 "a CA signs no request that its key did not" sign "$work/forged.csr"
has "not signed by its key"
expect 2 "a CA needs its own key" "$ratls" cert --sign-csr "$work/bank.csr" --ca "$work/ca.crt" \
    --ca-key "$work/csr.key" --out "$work/x"

# The machine changes: what was certified before stays what it was, what comes now is refused.
extend_pcr 7
expect 0 "cert after a PCR has changed" cert --out "$work/new.crt" --key "$work/new.key"
expect 1 "verify refuses the new state" verify "$work/new.crt"
has "REFUSED"
has "pcr.value"
expect 1 "verify --json refuses the new state" verify --json "$work/new.crt"
is_json 'not d["accepted"] and [c["name"] for c in d["checks"] if c["verdict"] == "fail"] == \
["pcr.value"]'
expect 0 "and accepts the old one" verify "$crt"

# Policies that are wrong: 2, with their place.
expect 1 "lint warns" "$ratls" policy lint "$work/bank.yaml"
has "bank.yaml:17:9: warning: pcrs[0].sha256[0]: only zeros"
has "warning: freshness: certificate"
sed -e '/^freshness/d' -e '/^max-age/d' \
    -e 's/- 0\{64\}$/- 1111111111111111111111111111111111111111111111111111111111111111/' \
    "$work/bank.yaml" >"$work/sound.yaml"
expect 0 "lint finds nothing" "$ratls" policy lint "$work/sound.yaml"
[ ! -s "$work/output.log" ] || fail "lint prints something about a sound policy"
printf 'nonce: x\n' >>"$work/bank.yaml"
expect 2 "lint finds a mistake" "$ratls" policy lint "$work/bank.yaml"
has "bank.yaml:"
has ": error: nonce"
expect 2 "verify refuses to work with it" verify "$crt"
has "nonce"
expect 2 "so does exec" "$ratls" exec --policy "$work/bank.yaml" -- true
sed -i '$d' "$work/bank.yaml"

# Reference values: lists of the real sha256sum, merged, and again, give one and the same file.
(cd / && sha256sum bin/sh ./bin/ls) >"$work/one.sha256"
sha512sum /bin/ls "$work/bank.yaml" | tee "$work/two.sha512" | sed 's/^/# /' >"$work/comments"
expect 0 "compile" "$ratls" policy compile "$work/one.sha256" "$work/two.sha512" --json \
    --out "$work/compiled"
is_json 'd["reference-values"] == 4 and [s["reference-values"] for s in d["sources"]] == [2, 2]'
expect 2 "compile overwrites nothing" "$ratls" policy compile "$work/one.sha256" \
    --out "$work/compiled"
has "--force replaces it"
expect 0 "compile what is compiled" "$ratls" policy compile "$work/two.sha512" "$work/compiled" \
    "$work/comments" "$work/one.sha256" --out "$work/again"
cmp -s "$work/compiled" "$work/again" || fail "the same values give another file"
printf '%s\n' "nonsense" >>"$work/one.sha256"
expect 2 "compile finds a mistake" "$ratls" policy compile "$work/one.sha256" --out "$work/bad"
has "one.sha256:3: expected a digest in hex"
[ ! -e "$work/bad" ] || fail "compile wrote in spite of a mistake"
head -c 300 "$work/compiled" >"$work/damaged"
expect 2 "compile finds a damaged file" "$ratls" policy compile "$work/damaged" --out "$work/bad"
has "damaged"
{ head -c -1 "$work/compiled"; printf '\377'; } >"$work/damaged"
expect 2 "compile finds a changed byte" "$ratls" policy compile "$work/damaged" --out "$work/bad"
has "damaged: compile it again"

# A policy means the same with its lists compiled.
sample=debian12-measured
cp -R "$RATLS_SOURCE_DIR/policies/$sample" "$RATLS_SOURCE_DIR/policies/$sample.yaml" "$work"
chmod -R go-w "$work/$sample" "$work/$sample.yaml"
"$ratls" show --json "$work/$sample.yaml" >"$work/with-lists" || fail "show $sample.yaml"
expect 1 "lint with lists" "$ratls" policy lint "$work/$sample.yaml"
cp "$work/output.log" "$work/lint-with-lists"
for list in "$work/$sample"/*.sha256; do
    expect 0 "compile ${list##*/} in place" "$ratls" policy compile "$list" --out "$list" --force
done
"$ratls" show --json "$work/$sample.yaml" >"$work/with-compiled" || fail "show, compiled"
expect 1 "lint with compiled lists" "$ratls" policy lint "$work/$sample.yaml"
cmp "$work/output.log" "$work/lint-with-lists" || fail "lint says something else"
cmp "$work/with-lists" "$work/with-compiled" || fail "show says something else"

# exec starts nothing that would run unattested.
through() {
    "$ratls" exec --policy "$work/bank.yaml" "$@"
}
marker=$work/marker
expect 2 "exec without a policy" "$ratls" exec --policy "$work/nothing" -- touch "$marker"
expect 3 "exec without the module" through --module "$work/nothing.so" -- touch "$marker"
has "nothing.so"
expect 3 "exec with a module that does not load" through --module "$work/nonsense" -- \
    touch "$marker"
has "does not load"
expect 3 "exec without the configuration" through --conf "$work/nothing.cnf" -- touch "$marker"
printf '[empty]\n' >"$work/empty.cnf"
expect 3 "exec with a configuration that loads nothing" through --conf "$work/empty.cnf" -- \
    touch "$marker"
expect 3 "exec of no program" through -- no-such-program-anywhere
cp /bin/true "$work/elevated"
chmod 4755 "$work/elevated"
expect 2 "exec of a set-user-ID program" through -- "$work/elevated"
has "set-user-ID"
chmod 2755 "$work/elevated"
expect 2 "exec of a set-group-ID program" through -- "$work/elevated"
echo 'int nothing;' >"$work/library.c"
echo 'int main(void) { return 0; }' >"$work/foreign.c"
for library in libgnutls.so.30:GnuTLS libcurl-gnutls.so.4:GnuTLS libssl3.so:NSS; do
    cc -shared -o "$work/library.so" -Wl,-soname,"${library%:*}" "$work/library.c"
    cc -Wl,--no-as-needed -o "$work/foreign" "$work/foreign.c" "$work/library.so"
    expect 2 "exec of a program with ${library%:*}" through -- "$work/foreign"
    has "its TLS library is ${library#*:}, not OpenSSL 3"
done
size=$(wc -c <"$work/foreign")
for part in 1 3 7 15; do
    head -c $((size * part / 16)) "$work/foreign" >"$work/cut"
    chmod 755 "$work/cut"
    expect failure "exec of $part/16 of it" through -- "$work/cut"
    lacks Sanitizer
done
[ ! -e "$marker" ] || fail "exec started a program in spite of its complaint"
expect 0 "exec" through -- touch "$marker"
[ -e "$marker" ] || fail "exec did not start the program"
expect 7 "exec passes the exit code on" through -- sh -c 'exit 7'
