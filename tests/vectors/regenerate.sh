#!/bin/sh
# Makes all vectors anew: new keys, new quotes by a software TPM. Needs openssl, swtpm, tpm2-tools,
# python3.
# usage: regenerate.sh MAKE_VECTORS      (build/dev/bin/make_vectors)
set -eu
make_vectors=$(realpath "$1")
vectors=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
swtpm_pid=
ak=0x81010010
trap '[ -z "$swtpm_pid" ] || kill "$swtpm_pid"; rm -rf "$folder"' EXIT
cd "$folder"

hex() {
    od -An -v -tx1 "$1" | tr -d ' \n'
}

# RFC 8446, 7.1: HkdfLabel with the label "ratls bind", an empty context and 32 bytes.
derive_binder() { # derive_binder SECRET
    info=002010$(printf 'tls13 ratls bind' | od -An -v -tx1 | tr -d ' \n')00
    openssl kdf -binary -keylen 32 -kdfopt mode:EXPAND_ONLY -kdfopt digest:SHA256 \
        -kdfopt "hexkey:$1" -kdfopt "hexinfo:$info" HKDF >binder.bin
    hex binder.bin
}

hmac_with() { # hmac_with KEY: of standard input
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -r | cut -c1-64
}

unhex() {
    tr a-f A-F | basenc --base16 -d
}

# RFC 8446, 7.5, with SHA-256; HKDF-Expand of one block is HMAC(secret, info || 01).
derive_exporter_binder() { # derive_exporter_binder EXPORTER-SECRET LABEL BOUND
    empty=$(printf '' | openssl dgst -sha256 -r | cut -c1-64)
    hash=$(printf %s "$3" | unhex | openssl dgst -sha256 -r | cut -c1-64)
    label=$(octets "tls13 $2")
    derived=$(printf '0020%02x%s20%s01' $((${#label} / 2)) "$label" "$empty" | unhex |
        hmac_with "$1")
    label=$(octets 'tls13 exporter')
    printf '0020%02x%s20%s01' $((${#label} / 2)) "$label" "$hash" | unhex | hmac_with "$derived"
}

octets() { # octets TEXT
    printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
}

start_tpm() { # start_tpm NAME
    mkdir "$1"
    swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1.sock" \
        --ctrl "type=unixio,path=$1.sock.ctrl" --flags startup-clear,not-need-init 2>swtpm.log &
    swtpm_pid=$!
    export TPM2TOOLS_TCTI="swtpm:path=$folder/$1.sock"
    tries=0
    until [ -S "$1.sock.ctrl" ] && [ -S "$1.sock" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || exit 1
        sleep 0.05
    done
}

end_tpm() {
    kill "$swtpm_pid"
    wait "$swtpm_pid" || true
    swtpm_pid=
}

create_ak() {
    attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign'
    tpm2_createprimary -Q -C e -G ecc256:ecdsa-sha256:null -a "$attributes" -c ak.ctx
    # There is no resource manager: with a handle of its own the key is loaded only once.
    tpm2_evictcontrol -Q -C o -c ak.ctx "$ak"
    tpm2_flushcontext -t
}

make_keys() {
    create_ak
    tpm2_readpublic -Q -c "$ak" -f pem -o ak.pem
    tpm2_readpublic -Q -c "$ak" -f tss -o ak.tpm2b
    tail -c +3 ak.tpm2b >ak-public.bin
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -new -x509 -key ca.key -subj '/CN=ratls test issuer' -days 36500 -outform DER \
        -out ca-certificate.der
    printf '%s\n' 'extendedKeyUsage = 2.23.133.8.3' 'basicConstraints = critical, CA:FALSE' \
        'subjectAltName = DNS:server.example' >ak.ext
    openssl x509 -new -force_pubkey ak.pem -subj '/CN=ratls test attestation key' -days 36500 \
        -CA ca-certificate.der -CAkey ca.key -extfile ak.ext -outform DER -out ak-certificate.der
    openssl ecparam -name prime256v1 -genkey -noout -out tls.key
    openssl pkey -in tls.key -pubout -outform DER -out tls-public.der
}

write_values() {
    spki=$(openssl dgst -sha256 -r tls-public.der | cut -c1-64)
    # RFC 8448, 3: server_handshake_traffic_secret of the simple 1-RTT handshake.
    secret=b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38
    nonce=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
    cat >request.values <<END
# pcrs: a bit for each PCR
nonce = $nonce
offers = 05
bank-1 = 000b
pcrs-1 = 000083
bank-2 = 000c
pcrs-2 = 800000
key-id-1 = 00000000000000aa
key-id-2 = 00000000000000bb
boot-bank = 000b
ima-bank = 000b
ima-offset = 012345
ima-key-id = 00000000000000bb
ima-reset-count = 07
ima-restart-count = 02
END
    cat >handshake.values <<END
label = "ratls-1"
mode = 02
role = 01
tls-version = 0304
cipher-suite = 1301
nonce = $nonce
secret = $secret
binder = $(derive_binder "$secret")
spki-sha256 = $spki
service = "nginx"
context = 
selection = "sha256:0,1,7"
END
    cp handshake.values batch.values
    cat >certificate.values <<END
label = "ratls-1"
mode = 01
role = 01
tls-version = 0000
cipher-suite = 0000
nonce = 
binder = 
spki-sha256 = $spki
service = "server"
context = 0000000069000000
selection = "sha256:0,7 sha384:7"
END
}

# What goes on behind the handshake of RFC 8448, 3: the third challenge, and what came unasked.
write_exchange_values() {
    # Its exporter_master_secret.
    secret=fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50
    turn=000000000000000200000001
    cat >challenge.values <<END
# request: that of request.values, with these offers
counter = 02
period-ms = ea60
offers = 04
END
    cat >piece.values <<END
# evidence: logs.evidence.cbor
counter = 02
sequence = 01
last = 01
END
    binder=$(derive_exporter_binder "$secret" EXPORTER-ratls-server "$nonce$turn")
    cat >agent.values <<END
# request: that of request.values, with these offers; evidence: logs.evidence.cbor
id = 07
service = "nginx"
deadline-ms = 128e
mode = 04
role = 01
tls-version = 0304
cipher-suite = 1301
binder = $binder
spki-sha256 = 505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f
context = $turn
offers = 04
status = 06
text = "the TPM is in lockout"
END
    cat >renewal.values <<END
label = "ratls-1"
mode = 04
role = 01
tls-version = 0304
cipher-suite = 1301
nonce = $nonce
exporter-secret = $secret
binder = $binder
client-binder = $(derive_exporter_binder "$secret" EXPORTER-ratls-client "$nonce$turn")
spki-sha256 = $spki
service = "nginx"
context = $turn
END
}

# A time stamp, a key, and the session of handshake.values signed by it: no TPM has a part in it.
make_epoch() {
    openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key \
        -out tsa.pem -days 36500 -subj '/CN=ratls test time stamps' \
        -addext 'extendedKeyUsage = critical, timeStamping' \
        -addext 'basicConstraints = critical, CA:FALSE' 2>tsa.log
    openssl x509 -in tsa.pem -outform DER -out epoch-authority.der
    printf '%s\n' '[tsa]' 'default_tsa = clock' '[clock]' 'serial = tsa.serial' \
        'signer_cert = tsa.pem' 'signer_key = tsa.key' 'signer_digest = sha256' \
        'default_policy = 1.3.6.1.4.1.99999.2' 'digests = sha256' 'accuracy = secs:1' \
        'ess_cert_id_alg = sha256' >tsa.cnf
    echo 01 >tsa.serial
    openssl ts -query -data tsa.cnf -sha256 -cert -out tsa.query 2>>tsa.log
    openssl ts -reply -config tsa.cnf -queryfile tsa.query -token_out -out epoch-token.der \
        2>>tsa.log
    openssl ecparam -name prime256v1 -genkey -noout -out epoch.key
    openssl pkey -in epoch.key -pubout -outform DER -out epoch-key.der
    sed -e 's/^mode = .*/mode = 05/' -e 's/^\(tls-version\|cipher-suite\) = .*/\1 = 0000/' \
        -e 's/^\(nonce\|binder\) = .*/\1 = /' -e '/^\(secret\|selection\) = /d' \
        -e "s/^context = .*/context = $(openssl dgst -sha256 -r epoch-key.der | cut -c1-64)/" \
        handshake.values >epoch.values
    sed '/^\(secret\|selection\) = /d' handshake.values >session.values
    "$make_vectors" . statement epoch
    "$make_vectors" . statement session
    printf 'ratls epoch\0' | cat - session.statement.cbor |
        openssl dgst -sha256 -sign epoch.key -out session.signature.bin
    "$make_vectors" . session
}

little_endian() { # little_endian NUMBER: 4 bytes
    printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/'
}

text() { # text TEXT: with its final NUL
    octets "$1"
    printf 00
}

# Two logs as firmware and kernel write them: a header and a separator in PCR 7; one file. Every
# byte is known, so the vector is the same each time.
write_logs() {
    zeros=$(printf '%040d' 0)
    spec_id=$(text 'Spec ID Event03')0000000000020002010000000b00200000
    separator=df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119
    header=$(little_endian 0)$(little_endian 3)$zeros$(little_endian $((${#spec_id} / 2)))$spec_id
    event=$(little_endian 7)$(little_endian 4)$(little_endian 1)0b00$separator
    event=$event$(little_endian 4)00000000

    file=$(text sha256:)$(printf '%064d' 5)
    path=$(text /usr/bin/example)
    data=$(little_endian $((${#file} / 2)))$file$(little_endian $((${#path} / 2)))$path
    printf '%s' "$data" | tr a-f A-F | basenc --base16 -d >ima.data
    entry=$(little_endian 10)$(openssl dgst -sha1 -r ima.data | cut -c1-40)
    entry=$entry$(little_endian 6)$(printf ima-ng | od -An -v -tx1 | tr -d ' \n')
    entry=$entry$(little_endian $((${#data} / 2)))$data
    cat >logs.values <<END
boot-log = $header$event
ima-list-alg = 0004
ima-offset = 012345
ima-total = 020000
ima-entries = $entry
END
}

# The leaf in the middle of three, RFC 9162, 2.1.1: SHA-256(01 || left || right), twice.
join_batch() {
    printf '\001' | cat - renewal.leaf.bin batch.leaf.bin | openssl dgst -sha256 -binary >left
    printf '\001' | cat - left session.leaf.bin | openssl dgst -sha256 -binary >batch.root
    cat >>batch.values <<END
leaf-index = 01
tree-size = 03
path = $(hex renewal.leaf.bin)$(hex session.leaf.bin)
ak-index = 01
END
}

quote() { # quote MODE SELECTION
    "$make_vectors" . statement "$1"
    cp "$1.leaf.bin" "$1.root"
    [ "$1" != batch ] || join_batch
    tpm2_quote -Q -c "$ak" -l "$2" -q "$(hex "$1.root")" -g sha256 -f tss \
        -m "$1.attest.bin" -s "$1.signature.bin" -o "$1.pcrs"
    tpm2_pcrread -Q "$2" -o "$1.pcr-values.bin"
    tpm2_checkquote -Q -u ak.pem -m "$1.attest.bin" -s "$1.signature.bin" -g sha256 \
        -q "$(hex "$1.root")"
    "$make_vectors" . evidence "$1"
}

# The certificate is made without our code: the extension's DER is written by hand.
make_certificate() {
    length=$(printf '%04x' "$(wc -c <certificate.evidence.cbor)")
    printf '%s\n' '[req]' 'distinguished_name = name' 'prompt = no' 'x509_extensions = ext' \
        '[name]' 'CN = server.example' '[ext]' 'subjectAltName = DNS:server.example' \
        "1.3.6.1.5.5.7.1.35 = DER:0482$length$(hex certificate.evidence.cbor)" >tls.cnf
    openssl req -new -x509 -key tls.key -config tls.cnf -days 36500 -outform DER \
        -out certificate.der
}

# The handshake and one further request, put together without our code (RFC 8949, 3).
write_capture() { # write_capture TIME: of 8 hexadecimal digits
    value_of() {
        sed -n "s/^$1 = //p" handshake.values
    }
    bytes_of() { # bytes_of FILE: of 256 to 65535 bytes
        printf '59%04x' "$(wc -c <"$1")"
        hex "$1"
    }
    name=server.example
    {
        printf '8b%02x%s' $((0x60 + 15)) "$(octets ratls-capture-1)"
        printf '1a%s%02x%s' "$1" $((0x60 + ${#name})) "$(octets "$name")"
        printf '0119%s19%s' "$(value_of tls-version)" "$(value_of cipher-suite)"
        printf '5820%s' "$(value_of nonce)" "$(value_of binder)" "$(value_of spki-sha256)"
        bytes_of handshake.evidence.cbor
        printf '81'
        bytes_of logs.evidence.cbor
    } | tr a-f A-F | basenc --base16 -d >capture.cbor
}

# A machine that booted: its logs, and a quote of all that they say was extended.
measure() {
    end_tpm
    start_tpm machine
    create_ak
    mkdir measured
    cd measured
    tpm2_readpublic -Q -c "$ak" -f tss -o ak.tpm2b
    tpm2_readpublic -Q -c "$ak" -f pem -o ak.pem
    python3 "$vectors/make_logs.py" logs ../ca-certificate.der >../extends
    xargs tpm2_pcrextend <../extends
    all=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14
    tpm2_pcrread -Q "sha1:$all+sha256:$all+sha384:$all" -o ../pcr-values
    python3 "$vectors/make_logs.py" pcrs ../pcr-values
    for format in tss plain; do
        tpm2_quote -Q -c "$ak" -l "sha256:$all+sha1:10" -q 000102030405 -g sha256 -f "$format" \
            -m "$format.attest.bin" -s "$format.signature.bin"
    done
    cd ..
}

start_tpm tpm
make_keys
tpm2_pcrextend "0:sha256=$(printf '%064d' 1),sha384=$(printf '%096d' 1)"
tpm2_pcrextend "7:sha256=$(printf '%064d' 7),sha384=$(printf '%096d' 7)"
write_values
write_exchange_values
"$make_vectors" . request
"$make_vectors" . challenge
write_logs
"$make_vectors" . logs
"$make_vectors" . piece
"$make_vectors" . agent
python3 "$vectors/make_enroll.py" >enroll.values
python3 "$vectors/make_tls_key.py" >tls-key.values
"$make_vectors" . statement renewal
make_epoch
quote handshake sha256:0,1,7
write_capture 65000000
quote batch sha256:0,1,7
quote certificate sha256:0,7+sha384:7
make_certificate
measure
chmod 644 ./*.bin ./*.cbor ./*.der measured/*
mkdir -p "$vectors/measured"
mv measured/* "$vectors/measured"
mv ./*.values ./*.cbor ./*leaf.bin ./*attest.bin ./*signature.bin ./*pcr-values.bin ak-public.bin \
    ak-certificate.der ca-certificate.der certificate.der tls-public.der epoch-authority.der \
    epoch-key.der epoch-token.der "$vectors"
