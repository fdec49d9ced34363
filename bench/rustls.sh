#!/bin/sh
# A plain handshake of rustls, for comparison: builds bench/rustls from Debian's crates, without the
# network, and prints its object. Prints {} and says why where those crates are missing.
# usage: rustls.sh FOLDER ROUNDS, where FOLDER is for what is built and for certificates
set -eu
source=$(cd "$(dirname "$0")" && pwd)/rustls
folder=${1:?} rounds=${2:?}
crates=/usr/share/cargo/registry

without() {
    echo "no figures of rustls: $*" >&2
    echo "{}"
    exit 0
}

# Debian's own compiler and crates: rustls 0.20 is that of Debian 12.
[ -x /usr/bin/cargo ] || without "cargo is missing"
set -- "$crates"/rustls-0.20.*
[ -d "$1" ] || without "there is no librust-rustls-dev 0.20"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mkdir -p "$folder/home"
cp -R -p "$source/." "$folder/"
cat >"$folder/home/config.toml" <<END
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "$crates"
END
cd "$folder"
CARGO_HOME=$folder/home RUSTC=/usr/bin/rustc /usr/bin/cargo build --release --offline \
    >build.log 2>&1 || { tail -n 20 build.log >&2; without "they cannot be built"; }

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null
}

certify() { # certify NAME ISSUER EXTENSION...: NAME.der by the key of ISSUER
    certified=$1 issuer=$2
    shift 2
    printf '%s\n' "$@" >extensions
    openssl req -new -key "$certified.key" -subj "/CN=$certified" |
        openssl x509 -req -days 2 -CA "$issuer.pem" -CAkey "$issuer.key" -CAcreateserial \
            -extfile extensions -out "$certified.pem" 2>/dev/null
    openssl x509 -in "$certified.pem" -outform DER -out "$certified.der"
}

for name in root intermediate leaf; do new_key $name; done
openssl req -x509 -key root.key -subj /CN=root -days 2 -out root.pem
openssl x509 -in root.pem -outform DER -out root.der
certify intermediate root basicConstraints=critical,CA:TRUE keyUsage=keyCertSign
certify leaf intermediate subjectAltName=DNS:bank.example
openssl pkcs8 -topk8 -nocrypt -in leaf.key -outform DER -out key.der
target/release/bench-rustls . "$rounds"
