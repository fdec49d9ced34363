# Sourced, behind identity_lib.sh, by tests that run the commands of docs/identity.md: as they stand
# there, with the folders, TPMs and services of the test in place of a machine's own.
# shellcheck shell=sh disable=SC2154
need nginx curl "$python"
page=$RATLS_SOURCE_DIR/docs/identity.md
# shellcheck disable=SC2034 # of identity_lib.sh
domain=bank.example
ca=$work/ca
# Where the files are that people carry from machine to machine.
desk=$work/desk
mkdir -p "$desk" "$work/programs" "$ca" "$work/policies"

# What stands for `ratls` on a machine: the folders are not the defaults there.
cat >"$work/programs/ratls" <<END
#!/bin/sh
case "\$1 \${2:-}" in
*" --help") ;;
"init "* | "enroll "* | "ca request" | "ca answer" | "ca install" | \
    "seal install" | "seal list" | "seal remove")
    case " \$* " in *" --state "*) ;; *) set -- "\$@" --state "$work/\$role.state" ;; esac ;;
"ca "*) set -- "\$@" --config "$ca/ca.yaml" ;;
"roots check") set -- "\$@" --roots "$ca/roots" --software-tpm insecure-allow \
    --tcti "swtpm:path=$work/\$role/sock" ;;
"roots "*) set -- "\$@" --roots "$ca/roots" ;;
esac
exec "$ratls" "\$@"
END
chmod 755 "$work/programs/ratls"

here() { # here ROLE: a command of the page, for this test
    sed -e "s|/etc/ratls/policies|$work/policies|g" -e "s|/etc/ratls/openssl.cnf|$work/$1.cnf|g" \
        -e "s|/etc/nginx/nginx.conf|$work/$1.conf|g" \
        -e "s|/var/lib/ratls-client|$work/verifier|g" -e "s|/etc/ratls|$ca|g" \
        -e "s|/var/lib/ratls|$work/$1.state|g" \
        -e "s|device:/dev/tpmrm0|swtpm:path=$work/$1/sock|g" \
        -e "s|https://ca.bank.example/|${ca_url:-unix:$ca/sock}|g" \
        -e "s/\\bID\\b/${ID:-ID}/; s/\\bSERIAL\\b/${SERIAL:-SERIAL}/; s/\\bEK\\b/${EK:-EK}/" \
        -e "s/\bFIRMWARE\b/${FIRMWARE:-FIRMWARE}/; s/\bSTATE\b/${STATE:-STATE}/" \
        -e "s/\bAK\b/${AK:-AK}/"
}

section() { # section HEADING: what stands below it
    awk -v heading="## $1" '/^## / { inside = $0 == heading } inside' "$page"
}

# steps HEADING [FIRST [LAST]]: the commands of a section, or some of them by their number. What the
# page says is refused must be.
steps() {
    section "$1" | sed -n 's/^    \([a-z]*\)[#$] /\1 /p' >"$work/section"
    [ -s "$work/section" ] || fail "the page has no commands below '$1'"
    sed -n "${2:-1},${3:-${2:-\$}}p" "$work/section" >"$work/steps"
    [ -s "$work/steps" ] || fail "the page has no command $2 below '$1'"
    while read -r role typed <&7; do
        step "$role" "$(printf '%s\n' "$typed" | here "$role")"
    done 7<"$work/steps"
}

step() { # step ROLE COMMAND
    wanted=0
    case $2 in
    *"# refused") wanted=1 ;;
    "systemctl reload nginx") reload_web "$1"; return ;;
    "systemctl restart ratls-ca") stop ca_service; serve_ca; return ;;
    "systemctl restart nginx") stop "web_$1"; start_web "$1"; return ;;
    esac
    expect "$wanted" "$1: $2" env -C "$desk" role="$1" \
        PATH="$work/programs:$PATH" TPM2TOOLS_TCTI="swtpm:path=$work/$1/sock" sh -c "$2"
    # What the next commands may need of it.
    said=$(sed -n "s/.*'ratls ca approve \([0-9a-f]*\)'.*/\1/p" "$work/output.log")
    ID=${said:-${ID:-}}
}

reload_web() { # reload_web MACHINE
    reload HUP "web_$1"
    ok "$1: systemctl reload nginx"
}

# The CA of the page, with its configuration, and the TPM of the server www.
make_page_ca() {
    manufacture www
    found_page_ca
}

found_page_ca() { # software TPMs are good enough
    sed -n '/^ca: 1/,/^```/p' "$page" | grep -v '^```' | sed -e "s|/var/lib/ratls-ca|$ca/store|" |
        here ca >"$ca/ca.yaml"
    echo "software-tpm: insecure-allow" >>"$ca/ca.yaml"
    cp -r "$maker" "$desk/makers"
    steps "A CA"
}

# start_front NAME: the page's web server before the service of the CA, at $port on our address; its
# certificate front.pem is for NAME, too.
start_front() {
    own=$name name=$1
    make_certificate front
    name=$own
    port=$(free_port)
    {
        printf 'pid %s;\nevents {}\nhttp { access_log off; server {\n' "$work/front.pid"
        printf 'listen %s ssl; ssl_certificate %s; ssl_certificate_key %s;\n' "$address:$port" \
            "$work/front.pem" "$work/front.key"
        section "Enrol at a service" | sed -n '/^location/,/^}/p' |
            sed "s|/run/ratls/ca.sock|$ca/sock|"
        printf '} }\n'
    } >"$work/front.conf"
    [ "$(id -u)" -ne 0 ] || sed -i '1i user root;' "$work/front.conf"
    start front nginx -c "$work/front.conf" -g 'daemon off;'
    wait_until_listening front "$port"
}

# A server of the page that has its name, and a client that accepts it.
make_page_server() {
    init_machine www.state
    echo "$(ek_of www),www.bank.example" >>"$ca/eks.csv"
    enrol_files www www.bank.example
    web www www.bank.example
    client_conf
    # shellcheck disable=SC2034 # of identity_lib.sh
    state=$work/www.state
    quietly at_ca crl -o "$work/policies/ca.crl"
    trust_ca "crl: ca.crl"
    expect 0 "the client accepts www" ask www www.bank.example
    has welcome
}
