#!/bin/sh
# The endorsement keys of TPMs that swtpm_setup made, with a CA of their own, and what may be wrong.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need tpm2_nvdefine tpm2_createek

check() { # check [OPTION...]: the roots of $roots, and a software TPM is good enough
    "$ratls" roots check --roots "$roots" --tcti "$tcti" "$@"
}

put() { # put INDEX FILE: writes an index, as the maker of a TPM would
    tpm2_nvdefine "$1" -C o -s "$(wc -c <"$2")" -a "ownerwrite|ownerread|authread" >/dev/null
    tpm2_nvwrite "$1" -C o -i "$2"
}

verdicts() { # verdicts TEXT NUMBER: so many lines have the text
    found=$(grep -cF -- "$1" "$work/output.log" || true)
    [ "$found" -eq "$2" ] || fail "$found lines with '$1', not $2"
    ok "... $2 times '$1'"
}
good="the certificate of this TPM's endorsement key"

manufacture first
roots=$work/roots
expect 0 "the CA of the TPMs" "$ratls" roots import --roots "$roots" "$work/localca"
has "roots pinned: 1, intermediate CAs: 1"
expect 1 "a software TPM is refused" check
verdicts "a software TPM (id:00001014 swtpm)" 2
expect 0 "RSA 2048 and P-384" check --software-tpm insecure-allow
has "L-1 (RSA 2048)"
has "H-3 (P-384)"
verdicts "$good" 2
expect 0 "in JSON" check --software-tpm insecure-allow --json
has '"nvIndex": "0x01c00002"'

# The chain in NV memory, in two pieces that are cut in the middle, and filled up.
openssl x509 -in "$work/localca/issuercert.pem" -outform DER -out "$work/issuer.der"
roots=$work/few
expect 0 "the root alone" "$ratls" roots import --roots "$roots" \
    "$work/localca/swtpm-localca-rootca-cert.pem"
expect 1 "the intermediate CA is missing" check --software-tpm insecure-allow
verdicts 'its issuer "CN=swtpm-localca" is not among the roots' 2
head -c 500 "$work/issuer.der" >"$work/one"
tail -c +501 "$work/issuer.der" >"$work/two"
printf '\377\377\377' >>"$work/two"
put 0x01c00100 "$work/one"
put 0x01c00101 "$work/two"
expect 0 "it is in the TPM" check --software-tpm insecure-allow
verdicts "$good" 2

# A key of the low range on P-256, certified by the same CA, in an index that is filled with zeros.
tpm2_createek -G ecc -c "$work/ek.ctx" -u "$work/ek.pem" -f pem
tpm2_flushcontext -t
certify() { # certify PUBLIC-KEY: a certificate of it in certified.der
    printf 'keyUsage=critical,keyAgreement\nextendedKeyUsage=2.23.133.8.1\n' >"$work/ext"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/any.key" \
        -subj "/CN=ek" -out "$work/any.csr" 2>"$work/req.log"
    openssl x509 -req -in "$work/any.csr" -force_pubkey "$1" -CA "$work/localca/issuercert.pem" \
        -CAkey "$work/localca/signkey.pem" -set_serial 77 -days 30 -extfile "$work/ext" \
        -outform DER -out "$work/certified.der" 2>"$work/x509.log"
}
certify "$work/ek.pem"
head -c 100 /dev/zero >>"$work/certified.der"
put 0x01c0000a "$work/certified.der"
expect 0 "P-256, in a larger index" check --software-tpm insecure-allow
has "L-2 (P-256)"
verdicts "$good" 3

# Another key than the TPM makes of the template: one of another TPM, say.
tpm2_nvundefine 0x01c0000a -C o
openssl ecparam -name prime256v1 -genkey -noout -out "$work/other.key"
openssl ec -in "$work/other.key" -pubout -out "$work/other.pem" 2>"$work/ec.log"
certify "$work/other.pem"
put 0x01c0000a "$work/certified.der"
expect 0 "one that is not this TPM's" check --software-tpm insecure-allow
verdicts "$good" 2
verdicts "the public area is not that of template L-2 with the certificate's key" 1

# A nonce and a template of the maker's own: the key is another one then.
tpm2_nvundefine 0x01c0000a -C o
tpm2_createek -G ecc -c "$work/ek.ctx" -u "$work/ek.tss" -f tss
tpm2_flushcontext -t
"$python" -c 'import sys
area = open(sys.argv[1], "rb").read()[2:]
point = b"\0\x20" + bytes(32)
open(sys.argv[2], "wb").write(area[:-68] + point + point)' "$work/ek.tss" "$work/template"
put 0x01c0000c "$work/template"
printf 'a nonce of the maker of this TPM' >"$work/nonce"
put 0x01c0000b "$work/nonce"
# tpm2_createek of tpm2-tools 5.4 takes other bytes than the nonce's. A TPMU_PUBLIC_ID as in memory,
# and PolicyA of the profile:
policy=837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa
"$python" -c 'import sys
nonce = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(b"\x20\0" + nonce + bytes(96) + b"\x20\0" + bytes(128))
open(sys.argv[3], "wb").write(bytes.fromhex(sys.argv[4]))' "$work/nonce" "$work/unique" \
    "$work/policy" "$policy"
attributes="fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt"
tpm2_createprimary -C e -G ecc256:null:aes128cfb -g sha256 -a "$attributes" -L "$work/policy" \
    -u "$work/unique" -c "$work/ek.ctx" -f pem -o "$work/nonce.pem" >/dev/null
tpm2_flushcontext -t
certify "$work/nonce.pem"
put 0x01c0000a "$work/certified.der"
expect 0 "a nonce of the maker" check --software-tpm insecure-allow
verdicts "$good" 3
tpm2_nvundefine 0x01c0000c -C o
expect 0 "without a template" check --software-tpm insecure-allow
verdicts "$good" 3
tpm2_nvundefine 0x01c0000b -C o
expect 0 "without the nonce it is another key" check --software-tpm insecure-allow
verdicts "the public area is not that of template L-2 with the certificate's key" 1

# At the handle of an endorsement key there may lie anything.
tpm2_createprimary -C e -G ecc -c "$work/any.ctx" >/dev/null
tpm2_evictcontrol -C o -c "$work/any.ctx" 0x81010002 >/dev/null
tpm2_flushcontext -t
tpm2_nvundefine 0x01c0000a -C o
certify "$work/ek.pem"
put 0x01c0000a "$work/certified.der"
expect 0 "another key at its handle is not taken" check --software-tpm insecure-allow
verdicts "$good" 3

# Something else than certificates.
tpm2_nvundefine 0x01c0000a -C o
echo "no certificate" >"$work/none"
put 0x01c0000a "$work/none"
expect 0 "an index without a certificate is passed over" check --software-tpm insecure-allow
lacks "L-2"
put 0x01c00102 "$work/none"
expect 3 "a chain that is none" check --software-tpm insecure-allow
has "no certificates from 0x01c00100 on"
stop first

manufacture second --rsa-keysize 3072
roots=$work/roots
expect 0 "RSA 3072, of the high range" check --software-tpm insecure-allow
has "H-6 (RSA 3072)"
verdicts "$good" 2
stop second

start_tpm bare
expect 3 "a TPM without certificates" check --software-tpm insecure-allow
has "no certificate of an endorsement key"
