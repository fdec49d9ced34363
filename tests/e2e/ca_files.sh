#!/bin/sh
# A CA without a network: requests come and challenges go by files, and an administrator approves,
# refuses, revokes and replaces.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
cd "$work"

json() { # json MEMBER: of the output; the complaints behind it are left out
    "$python" -c 'import json, sys
text = open(sys.argv[1]).read()
print(json.JSONDecoder().raw_decode(text[text.index("{"):])[0][sys.argv[2]])' \
        "$work/output.log" "$1"
}

column() { # column N: of the last line of the output
    tail -n 1 "$work/output.log" | awk -v n="$1" '{ print $n }'
}

make_machine one
make_machine two
make_ca "$work/ca/store" <<END
approval: {renewal: allow}
END

# ---- approved by hand

quietly on one "ca request" -o one.req www.test mail.test
expect 1 "nothing speaks for it" at_ca challenge one.req
has "it waits for approval"
[ ! -e one.chal ] || fail "a challenge was written"
expect 1 "it goes on waiting" at_ca challenge --json one.req
[ "$(json status)" = waiting ] || fail "its status is not waiting"
request=$(json request)
expect 0 "who waits" at_ca list --waiting
has "$(printf %.16s "$request")"
has "mail.test www.test"
for digits in 16 32 64; do # a challenge has 32
    expect 0 "more about it" at_ca show "$(printf "%.${digits}s" "$request")"
    has "waiting for approval"
done
has "$(ek_of one)"
expect 1 "not for other names" at_ca approve "$request" --name www.test
has "the request is for mail.test www.test, not for www.test"
expect 2 "not by so few digits that another request is made to have them" at_ca approve \
    "$(printf %.15s "$request")"
has "16 or more hexadecimal digits are wanted"
expect 0 "approved" at_ca approve "$(printf %.16s "$request")" --name www.test --name MAIL.test
has "approved: a challenge for mail.test www.test"
expect 1 "not twice" at_ca approve "$request"
has "does not wait any more"
expect 0 "its challenge" at_ca challenge one.req
has "written to one.chal"
has "ratls ca answer one.chal"
expect 0 "what is in it" "$ratls" show one.chal
quietly on one "ca answer" --request one.req -o one.ans one.chal
expect 0 "its certificate" at_ca issue one.ans
has "for mail.test www.test, valid until"
has "ratls ca install one.crt"
openssl x509 -in one.crt -noout -text >x509.log
grep -q "DNS:mail.test, DNS:www.test, DirName" x509.log || fail "other names"
# OpenSSL 3.5 knows a name of 2.23.133.8.3.
grep -Eq "2\.23\.133\.8\.3|Attestation Identity Key Certificate" x509.log ||
    fail "it is not for an attestation key"
expect 1 "an answer counts once" at_ca issue -o again.crt one.ans
has "answered already"
[ ! -e again.crt ] || fail "a second certificate was written"
expect 0 "the same request gives what was issued" at_ca challenge -o same.crt one.req
cmp one.crt same.crt || fail "another certificate"
quietly "$ratls" ca install --state "$work/one.state" --ca "$ca/ca.crt" one.crt

# ---- what there is

expect 0 "a list" at_ca list
serial=$(column 1)
[ "$(column 2)" = valid ] || fail "it is not valid"
openssl x509 -in one.crt -noout -serial | tr A-F a-f | grep -q "serial=$serial" ||
    fail "another serial number"
expect 0 "by a name" at_ca list mail.test
has "$serial"
expect 0 "by another" at_ca list pop.test
lacks "$serial"
expect 0 "by the endorsement key" at_ca list "ek:$(ek_of one)"
has "$serial"
expect 0 "what ends within a month" at_ca list --expiring 30d
lacks "$serial"
expect 0 "what ends within two years" at_ca list --expiring 730d
has "$serial"
expect 0 "for scripts" at_ca list --json
has '"names": "mail.test www.test"'
expect 0 "a certificate" at_ca show "$serial" --out shown.crt
has "mail.test www.test"
cmp one.crt shown.crt || fail "another certificate"
expect 2 "none" at_ca show 0123456789
has "there is no such certificate"
has "of the ID of a request 16 or more digits are wanted"

# ---- renewal, and another machine

quietly on one "ca request" --force -o renewed.req mail.test www.test
expect 0 "the same TPM needs no approval" at_ca challenge renewed.req
quietly on two "ca request" -o two.req www.test
expect 1 "another TPM does not get the name" at_ca challenge two.req
has "refused (enrolled): www.test is enrolled for another endorsement key"
expect 1 "for scripts" at_ca challenge --json two.req
[ "$(json reason)" = enrolled ] || fail "another reason"
quietly on two "ca request" --force -o two.req pop.test
expect 1 "it asks for another" at_ca challenge --json two.req
expect 0 "refused" at_ca refuse "$(json request)" --reason "not ours"
expect 1 "it is told why" at_ca challenge two.req
has "not ours"
expect 2 "no reason" at_ca refuse 0123456789abcdef
expect 2 "not by few digits" at_ca refuse 01234567 --reason "not ours"
has "16 or more hexadecimal digits are wanted"

# ---- revoked, and replaced

expect 2 "nobody has this name" at_ca revoke pop.test
expect 2 "no such reason" at_ca revoke www.test --reason boredom
expect 0 "revoked" at_ca revoke "$serial" --reason superseded
has "certificates revoked: 1"
has "CRL number"
quietly at_ca crl -o ca.crl
openssl crl -in ca.crl -noout -text >crl.log
grep -qi "Serial Number: $serial" crl.log || fail "it is not in the list"
grep -q Superseded crl.log || fail "for another reason"
expect 0 "the list says so" at_ca list --revoked
has "$serial"
expect 0 "again: it was" at_ca revoke www.test
has "certificates revoked: 0"
expect 2 "half a hash" at_ca replace www.test --by 0123456789abcdef
expect 2 "names without a machine" at_ca replace pop.test
expect 0 "the machine was replaced" at_ca replace mail.test www.test --by "$(ek_of two H-3)" \
    --reason "board changed"
quietly on two "ca request" --force --ek H-3 -o two.req www.test
expect 0 "the other TPM has the name now" at_ca challenge two.req
quietly on two "ca answer" --request two.req -o two.ans two.chal
expect 0 "and its certificate" at_ca issue two.ans
quietly on one "ca request" --force -o one.req www.test
expect 1 "the one before has it no more" at_ca challenge one.req
has "refused (enrolled)"

# ---- names that may be numbers

serial=$(openssl x509 -in two.crt -noout -serial | cut -d= -f2 | tr A-F a-f)
sed -i "s/^names: .*/names: [decade00, '$serial']/" "$ca/ca.yaml"
quietly on two "ca request" --force --ek H-3 -o hex.req decade00 "$serial"
expect 1 "it waits" at_ca challenge --json hex.req
quietly at_ca approve "$(json request)" --out hex.chal
quietly on two "ca answer" --request hex.req -o hex.ans hex.chal
expect 0 "names of hexadecimal digits" at_ca issue hex.ans
expect 2 "a number that is a name, too" at_ca revoke "$serial"
has "a name, and a serial number begins so: write name:$serial or serial:$serial"
expect 2 "the same when it is shown" at_ca show "$serial"
expect 0 "the number" at_ca show "serial:$(printf %.8s "$serial")"
has www.test
expect 2 "no such name" at_ca revoke name:decade01
expect 0 "the number is revoked, and not the name" at_ca revoke "serial:$serial"
has "certificates revoked: 1"
expect 0 "the name" at_ca revoke "name:$serial"
has "certificates revoked: 1"
expect 0 "a name that no number begins with" at_ca revoke decade00
has "certificates revoked: 0"

# ---- what is no message, and what is damaged

printf 'no request' >none.req
expect 1 "no request" at_ca challenge none.req
has "refused (malformed)"
expect 1 "no answer" at_ca issue none.req
has "refused (malformed)"
expect 3 "no file" at_ca issue missing.ans
expect 2 "no configuration" "$ratls" ca list --config "$work/missing.yaml"
expect 0 "the record of all that is whole" at_ca audit --verify
