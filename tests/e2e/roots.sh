#!/bin/sh
# Roots of makers of TPMs: imported, listed, shown and removed; and endorsement keys by them.
. "$(dirname "$0")/lib.sh"
need openssl
roots=$work/roots

roots() { # roots COMMAND [ARGUMENT...]
    command=$1
    shift
    "$ratls" roots "$command" --roots "$roots" "$@"
}

# make NAME SUBJECT EXTENSIONS [ISSUER]
make() {
    printf '%b' "$3" >"$work/$1.ext"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" \
        -subj "$2" -out "$work/$1.csr" 2>/dev/null
    if [ $# -eq 4 ]; then
        openssl x509 -req -in "$work/$1.csr" -CA "$work/$4.pem" -CAkey "$work/$4.key" \
            -CAcreateserial -days 30 -extfile "$work/$1.ext" -out "$work/$1.pem" 2>/dev/null
    else
        openssl x509 -req -in "$work/$1.csr" -signkey "$work/$1.key" -days 30 \
            -extfile "$work/$1.ext" -out "$work/$1.pem" 2>/dev/null
    fi
}

ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n'
ca=${ca}'subjectKeyIdentifier=hash\n'
ek='basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyAgreement\n'
ek=${ek}'extendedKeyUsage=2.23.133.8.1\nauthorityKeyIdentifier=keyid\n'
ek=${ek}'authorityInfoAccess=caIssuers;URI:http://maker.test/ca1.crt\n'
make root "/CN=Maker Root" "$ca"
make ca "/CN=Maker CA 1" "${ca}authorityKeyIdentifier=keyid\n" root
make ek "/CN=a TPM" "$ek" ca
make soft "/CN=swtpm-localca" "$ca"
good="the certificate of a TPM's endorsement key"

expect 2 "without a folder there are no roots" roots list
has "no roots of makers of TPMs"
expect 3 "a file that is not there" roots import "$work/missing"
has "No such file"

# A folder, with PEM, DER, and a file that is no certificate.
mkdir -p "$work/maker/below"
openssl x509 -in "$work/root.pem" -outform DER -out "$work/maker/below/root.der"
cp "$work/ek.pem" "$work/maker/ek.pem"
echo "roots of the maker" >"$work/maker/README"
expect 0 "a folder is imported" roots import "$work/maker"
has "roots pinned: 1, intermediate CAs: 0; there already: 0, of no CA: 1, unreadable: 0, other"
grep -qE '^pinned [0-9a-f]{64}  CN=Maker Root$' "$work/output.log" || fail "no word of the root"
expect 0 "a second time it changes nothing" roots import "$work/maker"
has "roots pinned: 0, intermediate CAs: 0; there already: 1"
head -c 300 "$work/maker/below/root.der" >"$work/maker/cut.der"
expect 1 "half a certificate: the rest is taken" roots import --json "$work/maker"
has '"unreadable": 1'
has "cut.der: not the DER of one X.509 certificate"

# The intermediate is missing: it is named, with where it can be had, and nobody goes there.
expect 1 "a missing intermediate CA" roots show "$work/ek.pem"
has "its issuer \"CN=Maker CA 1\" is not among the roots"
has "http://maker.test/ca1.crt"
cat "$work/ek.pem" "$work/ca.pem" >"$work/chain.pem"
expect 0 "it may lie in the file" roots show "$work/chain.pem"
has "$good"
expect 0 "it is imported" roots import "$work/ca.pem"
has "roots pinned: 0, intermediate CAs: 1"
expect 0 "then it need not" roots show "$work/ek.pem"
has "$good"

expect 1 "a CA is no endorsement key" roots show "$work/ca.pem"
has "the certificate of a CA"
make server "/CN=server.test" 'keyUsage=critical,keyAgreement\nextendedKeyUsage=serverAuth\n' ca
expect 1 "nor is a server, by the same CA" roots show "$work/server.pem"
has "nothing says that the key is a TPM's"

make softek "/CN=a software TPM" "$ek" soft
expect 0 "a CA of software TPMs is imported" roots import "$work/soft.pem"
has "roots pinned: 1"
expect 1 "and still they are refused" roots show "$work/softek.pem"
has "a software TPM"
expect 0 "unless they are allowed" roots show --software-tpm insecure-allow "$work/softek.pem"
has "$good"
expect 2 "in no other words" roots show --software-tpm allow "$work/softek.pem"
has "insecure-allow"
expect 0 "what was imported is listed" roots list
has "CN=swtpm-localca (software TPMs)"

roots=$work/other
expect 0 "nothing is pinned" roots import --intermediates-only "$work/root.pem" "$work/ca.pem"
has "roots pinned: 0, intermediate CAs: 2"
expect 1 "then it leads nowhere" roots show "$work/ek.pem"
has "refused"
expect 0 "it is pinned afterwards" roots import "$work/root.pem"
has "roots pinned: 1"
expect 0 "then it leads there" roots show "$work/ek.pem"
has "$good"
set -- "$roots"/*/*.pem
[ $# -eq 2 ] || fail "$# files for two certificates"

digits=$(basename "$roots"/roots/*.pem | cut -c1-8 | tr a-f A-F)
expect 0 "a root is shown" roots show "$digits"
has "a pinned root"
expect 2 "one that is not there" roots show 12345678
has "there is none"
expect 2 "too few digits" roots show 1234567
has "8 or more digits"
expect 0 "a root is removed" roots remove "$digits"
has "removed CN=Maker Root"
expect 1 "and believed no longer" roots show "$work/ek.pem"
has "is not among the roots"

# What somebody put there by hand, or can, is not believed.
roots=$work/roots
file=$(basename "$roots"/intermediates/*.pem)
cp "$work/root.pem" "$roots/intermediates/$file"
expect 2 "another certificate under its name" roots list
has "not the one certificate that its name says"
cp "$work/ca.pem" "$roots/intermediates/$file"
cp "$work/ca.pem" "$roots/roots/$file"
expect 2 "an intermediate CA among the roots" roots list
has "does not belong among the roots"
rm "$roots/roots/$file"
cp "$work/ca.pem" "$roots/intermediates/ca.pem"
expect 2 "another name" roots list
has "its name is not a SHA-256"
rm "$roots/intermediates/ca.pem"
touch "$roots/intermediates/$file.AbCdEf"
expect 0 "what an import that was killed has left" roots list
has "CN=Maker CA 1"
chmod o+w "$roots/intermediates/$file"
expect 2 "a file that others may write to" roots list
has "everyone may write"
