#!/bin/sh
# What an administrator does with a CA beside enrolments: init, crl, rollover, token, deny, audit.
. "$(dirname "$0")/lib.sh"
need openssl
cd "$work"
mkdir ca
cat >ca/ca.yaml <<END
# of a test
ca: 1
store: store
roots: roots
issuers:
  - certificate: ca.crt # the first
    key: ca.key
names: ["*.bank.test"]
END

at_ca() {
    command=$1
    shift
    "$ratls" ca "$command" --config ca/ca.yaml "$@"
}

json() { # json EXPRESSION: of the output, as d
    "$python" -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' output.log "$1"
}

# ---- init

expect 3 "before it is made" at_ca crl
expect 2 "a subject that is none" at_ca init --subject Bank
has "parts such as O=Bank,CN=CA of machines are wanted"
expect 0 "init" at_ca init --days 100
has "Made the key ca/ca.key (P-256)"
has "'ratls roots import --roots ca/roots FILE'"
sha256=$(openssl x509 -in ca/ca.crt -outform DER | sha256sum | cut -d' ' -f1)
has "$sha256"
expect 0 "init again" at_ca init --json
[ "$(json 'd["sha256"], d["madeKey"], d["madeCertificate"]')" = "('$sha256', False, False)" ] ||
    fail "it is another CA"
openssl verify -x509_strict -CAfile ca/ca.crt ca/ca.crt >output.log 2>&1
has "OK"

# ---- crl

expect 0 "a list in PEM" at_ca crl -o list.crl
grep -q 'BEGIN X509 CRL' list.crl || fail "not PEM"
expect 0 "a list in DER" at_ca crl -o list.der --days 3
openssl crl -inform DER -in list.der -CAfile ca/ca.crt -verify -noout -crlnumber -nextupdate \
    >output.log 2>&1
has "verify OK"
has "crlNumber=0x04"
expect 0 "for scripts" at_ca crl --json
[ "$(json 'd["crls"][0]["number"], d["crls"][0]["issuer"]')" = "(5, '$sha256')" ] ||
    fail "another number"
expect 2 "of an issuer that is none" at_ca crl --issuer 2
has "the configuration has 1"

# ---- token

expect 0 "a token" at_ca token --names WWW.bank.test,a.bank.test --note "for www"
grep -qE '^rt1-[a-z2-7]{52}$' output.log || fail "no token"
token=$(grep -o 'rt1-[a-z2-7]*' output.log)
has "For a.bank.test www.bank.test, 1 use"
expect 0 "a token in a file" at_ca token -o token --uses 3 --lifetime 2h
lacks "rt1-"
[ "$(stat -c %a token)" = 600 ] || fail "others can read the token"
has "It is in token. On"
expect 2 "the file is not replaced" at_ca token -o token
has "exists already; --force replaces it"
cp token token.before
expect 0 "unless that is said" at_ca token -o token --force
cmp -s token token.before && fail "it was not replaced"
expect 2 "a name outside of the CA's" at_ca token --names www.shop.test
has "outside of names in the configuration"
expect 2 "a wildcard" at_ca token --names "*.bank.test"
has "no *"
expect 2 "half of a key" at_ca token --ek 3f2a
has "64 hex digits"
expect 0 "the list" at_ca token --list
has "a.bank.test www.bank.test  (for www)"
has "3 left"
lacks "rt1-"
! grep -rqF "$token" ca/store || fail "the store has the token"
ok "nothing keeps its text"
expect 0 "for scripts" at_ca token --list --json
id=$(json '[t["id"] for t in d["tokens"] if t["note"] == "for www"][0]')
expect 0 "one is revoked" at_ca token --revoke "$id"
expect 0 "and again" at_ca token --revoke "$id"
has "already"
expect 1 "one that is not there" at_ca token --revoke 0011223344556677
echo "approval: {tokens: refuse}" >>ca/ca.yaml
expect 2 "where tokens do not count" at_ca token
has "no token would be taken"
sed -i '/^approval:/d' ca/ca.yaml

# ---- deny

ek=3f2a00000000000000000000000000000000000000000000000000000000000A
expect 0 "an endorsement key" at_ca deny ek "$ek" --reason stolen
expect 0 "and again" at_ca deny ek "$ek"
has "was denied already"
expect 0 "firmware" at_ca deny firmware 000700020000000A
has "0x000700020000000a is denied"
expect 0 "a model" at_ca deny model id:49465800/SLB9655
expect 0 "an attestation key" at_ca deny ak "000b$ek"
for wrong in "ek 3f2a" "ak 000b12" "ak 0004$ek" "firmware 7.2" "model " "tpm 1"; do
    # shellcheck disable=SC2086 # two words
    expect 2 "not $wrong" at_ca deny $wrong
done
expect 0 "the list" at_ca deny --list
has "3f2a00000000000000000000000000000000000000000000000000000000000a"
has "stolen"
expect 0 "no more" at_ca deny model id:49465800/SLB9655 --remove
expect 1 "not twice" at_ca deny model id:49465800/SLB9655 --remove
has "is not denied"

# ---- rollover

cp ca/ca.yaml before.yaml
expect 0 "a new issuer" at_ca rollover --certificate ca2.crt --key ca2.key
has "(or let --apply do that)"
cmp -s ca/ca.yaml before.yaml || fail "the configuration was changed"
second=$(openssl x509 -in ca/ca2.crt -outform DER | sha256sum | cut -d' ' -f1)
has "$second"
owner=$(id -u):$(id -g)
if [ "$(id -u)" -eq 0 ]; then owner=4711:4712; fi
chown "$owner" ca/ca.yaml
chmod 640 ca/ca.yaml
expect 0 "is put first" at_ca rollover --certificate ca2.crt --key ca2.key --apply
[ "$(stat -c '%a %u:%g' ca/ca.yaml)" = "640 $owner" ] || fail "it belongs to somebody else now"
has "ca/ca.crt has no valid certificate: it can be taken out"
has '  - {certificate: "ca2.crt", key: "ca2.key"}' ca/ca.yaml
grep -v '"ca2.crt"' ca/ca.yaml | cmp -s - before.yaml || fail "something else was changed"
expect 2 "not twice" at_ca rollover --certificate ca2.crt --key ca2.key --apply
has "is an issuer already"
expect 0 "both sign lists" at_ca crl --json
[ "$(json '[c["issuer"] for c in d["crls"]]')" = "['$second', '$sha256']" ] ||
    fail "other issuers"
expect 2 "not both into one file" at_ca crl -o list.crl
has "say which by --issuer N"
expect 0 "that of the old one" at_ca crl --issuer 2 -o old.crl
openssl crl -in old.crl -CAfile ca/ca.crt -verify -noout >output.log 2>&1
has "verify OK"
sed -i '/"ca2.crt"/d; s/^issuers:/issuers: [{certificate: ca.crt, key: ca.key}]/
    /^  - certificate/d; /^    key/d' ca/ca.yaml
expect 0 "a list in brackets" at_ca rollover --certificate ca2.crt --key ca2.key --apply
has 'issuers: [{certificate: "ca2.crt", key: "ca2.key"}, {certificate: ca.crt, key: ca.key}]' \
    ca/ca.yaml

# ---- the password of a store in PostgreSQL; nobody answers at port 1

expect failure "one in the arguments" at_ca list \
    --store postgresql://ca:hunter2@127.0.0.1:1/ca
has "--store: everybody on this machine sees its password (ps): write the address into ca/ca.yaml"
lacks hunter2
expect failure "one among the parameters" at_ca list \
    --store "postgresql://127.0.0.1:1/ca?password=hunter2"
has "--store: everybody on this machine sees its password"
lacks hunter2
expect failure "none" at_ca list --store postgresql://ca@127.0.0.1:1/ca
lacks password
cp ca/ca.yaml before.yaml
sed -i 's,^store: .*,store: "postgresql://ca:hunter2@127.0.0.1:1/ca",' ca/ca.yaml
chmod 640 ca/ca.yaml
expect failure "one in the configuration" at_ca list
lacks "password of the store"
lacks hunter2
chmod 644 ca/ca.yaml
expect failure "which everybody may read" at_ca list
has "ca/ca.yaml: everybody may read the password of the store in it"
lacks hunter2
cp before.yaml ca/ca.yaml

# ---- audit

expect 0 "the log" at_ca audit
"$python" -c 'import json, sys
records = [json.loads(line) for line in open("output.log")]
assert [r["seq"] for r in records] == list(range(1, len(records) + 1))
kinds = {r["kind"] for r in records}
assert {"init", "crl", "rollover", "denied"} <= kinds, kinds' || fail "the log"
total=$(wc -l <output.log)
expect 0 "from a number on" at_ca audit --since 3
[ "$(wc -l <output.log)" -eq $((total - 2)) ] || fail "other records"
expect 0 "of the last hour" at_ca audit --since 1h
[ "$(wc -l <output.log)" -eq "$total" ] || fail "other records"
expect 0 "of the future" at_ca audit --since 2199-01-01
[ ! -s output.log ] || fail "other records"
expect 2 "of no time" at_ca audit --since yesterday
has "2026-11-20T08:00:00Z"
expect 0 "is whole" at_ca audit --verify
has "$total records are as they were written"
"$python" -c 'import sqlite3
c = sqlite3.connect("ca/store/ca.sqlite")
c.execute("UPDATE audit SET detail = ? WHERE seq = 3", ("nothing",))
c.commit()'
expect 1 "unless somebody changes it" at_ca audit --verify
has "the record after number 2 was changed"
