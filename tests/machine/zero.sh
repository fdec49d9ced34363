#!/bin/sh
# From nothing to a machine that clients believe, as docs/identity.md says it to an operator: a CA
# and its service on this host, a machine with a TPM of a known maker, a token, and a policy that
# names the CA. Then what happens to machines: their certificate is renewed, dpkg updates a package,
# a kernel's package makes another initrd, somebody revokes them. The page has these commands.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
. "$RATLS_SOURCE_DIR/tests/e2e/identity_lib.sh"
. "$RATLS_SOURCE_DIR/tests/e2e/life_lib.sh"
need dpkg-deb dpkg-query tar
"$ratls" ca serve --help >/dev/null 2>&1 || skip "this build has no service of a CA"
"$ratls" enroll ftp://none 2>&1 | grep -q "needs libcurl4" &&
    skip "this build cannot ask servers by HTTP"
nginx=$(command -v nginx)
package=$(dpkg-query -S "$nginx" 2>/dev/null | sed 's/:.*//')
[ -n "$package" ] || skip "nginx is not of a package of Debian"
archives=/var/cache/apt/archives

# ---- the page's commands: www is the machine, the others are this host

here() { # here ROLE
    if [ "$1" != www ]; then
        sed -e "s|/etc/ratls/policies|$work/policies|g" -e "s|/etc/ratls|$ca|g" \
            -e "s|www\.bank\.example:443|--server-name $name $address:${port_of_www:-}|"
    else
        sed "s|apt-get upgrade|/usr/bin/dpkg -i $archives/update.deb|"
    fi | sed -e "s/www\.bank\.example/$name/g" -e 's/www2\.bank/www2/g' -e 's/"\*\.bank/"*/'
}

at_www() { # Debian's programs before those of busybox with the same name
    in_guest www "export PATH=/usr/sbin:/usr/bin:/sbin:/bin; cd /root && $1"
}

step() { # step ROLE COMMAND
    case $1:$2 in
    "www:systemctl "*) expect 0 "www: systemctl restart ratlsd" at_www restart-agent ;;
    www:*) expect 0 "www: $2" at_www "$2" ;;
    *) expect 0 "$1: $2" env -C "$desk" PATH="$work/programs:$PATH" sh -c "$2" ;;
    esac
}

# ---- what makes the machine a Debian that updates its packages; add_file fills $work/root

# The database knows what the package depends on, and not yet the package.
add_package_manager() {
    for program in dpkg dpkg-deb dpkg-split dpkg-query tar; do add_file "/usr/bin/$program"; done
    add_file /sbin/ldconfig
    add_file /sbin/start-stop-daemon
    database=$work/root/var/lib/dpkg
    mkdir -p "$work/root/etc/dpkg/dpkg.cfg.d" "$work/root/var/log" "$work/root$archives" \
        "$work/root/usr/sbin" "$database/updates" "$database/triggers" "$database/info"
    cp /etc/dpkg/dpkg.cfg "$work/root/etc/dpkg/"
    cp /var/lib/dpkg/info/format "$database/info/"
    dpkg-query -W -f '${Depends}' "$package" | tr ',|' '  ' | sed 's/([^)]*)//g' | xargs -n 1 |
        sort -u | while read -r needed; do
        dpkg-query -s "$needed" 2>/dev/null && echo
    done >"$database/status"
    # What the package asks to restart its server; elsewhere this asks systemd.
    cat >"$work/root/usr/sbin/invoke-rc.d" <<'END'
#!/bin/sh
for action; do :; done
pid=$(cat /run/nginx.pid)
[ "$action" != status ] || exec kill -0 "$pid"
kill -QUIT "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
/sbin/start-nginx
END
    chmod 755 "$work/root/usr/sbin/invoke-rc.d"
}

# make_package FILE SUFFIX: Debian's nginx, its version with a suffix; what stands on standard input
# is added to the program.
make_package() {
    tree=$work/tree
    rm -rf "$tree"
    mkdir -p "$tree/DEBIAN" "$tree/usr/sbin"
    cat "$nginx" - >"$tree/usr/sbin/nginx"
    chmod 755 "$tree/usr/sbin/nginx"
    dpkg-query -s "$package" | sed -e '/^Status:/d' -e "s/^Version: .*/&$2/" >"$tree/DEBIAN/control"
    for script in postinst prerm triggers; do
        [ ! -e "/var/lib/dpkg/info/$package.$script" ] ||
            cp "/var/lib/dpkg/info/$package.$script" "$tree/DEBIAN/$script"
    done
    quietly dpkg-deb --root-owner-group -b "$tree" "$work/root$archives/$1"
}

add_site() { # what the operator brings: the CA's certificate, the token, where the CA is
    mkdir -p "$work/root/etc/ratls" "$work/root/etc/ssl/certs" "$work/root/root" "$work/root/sbin"
    cp "$ca/ca.crt" "$work/root/etc/ratls/"
    cp "$work/front.pem" "$work/root/etc/ssl/certs/ca-certificates.crt"
    cp "$desk/token" "$work/root/root/"
    echo "10.0.2.100 ca.bank.example" >"$work/root/etc/hosts"
    cat >"$work/root/sbin/restart-agent" <<'END'
#!/bin/sh
agent=$(pidof ratlsd) && kill "$agent"
while pidof ratlsd >/dev/null; do sleep 0.1; done
rm -f /run/ratls/agent.sock
/sbin/start-agent
END
    chmod 755 "$work/root/sbin/restart-agent"
}

put_tree() { # put_tree NAME: $work/root, over the root of a machine that is off
    (cd "$work/root" && {
        find . -mindepth 1 -type d -printf '%d mkdir /%P\n' | sort -n | cut -d' ' -f2-
        find . -type f -printf 'rm /%P\nwrite %p /%P\nset_inode_field /%P mode 0100%m\n'
    } >"$work/put" && debugfs -w -f "$work/put" "$work/$1/root.ext4" >"$work/put.log" 2>&1) ||
        fail "put_tree"
}

curl_says() { # unmodified curl, with the policies of the page
    verifying curl --silent --show-error --fail --max-time 30 --cacert "$images/server.pem" \
        --resolve "$name:$port_of_www:$address" "https://$name:$port_of_www/"
}

keep_policies() { # keep_policies FOLDER: as they are now
    cp -r "$work/policies" "$work/$1"
}

by_policies() { # by_policies FOLDER COMMAND...: as if the client still had those
    kept=$policy
    policy=$work/$1/www.yaml
    shift
    "$@"
    policy=$kept
}

# ---- a CA, a machine that it has never seen, a certificate

policy=$work/policies/www.yaml
fresh_machine www
swtpm_setup --tpm2 --tpmstate "$work/www/tpm" --create-ek-cert --config "$maker.setup" \
    --overwrite >"$work/setup.log" 2>&1 || fail "swtpm_setup"
found_page_ca
serve_ca
start_front ca.bank.example
forward www 443 "$address" "$port"
steps "Enrol at a service" 1
add_package_manager
make_package install.deb "" </dev/null
echo "a security update" | make_package update.deb +bank1
add_site
put_tree www
boot_machine www

steps "Enrol by files" 1
steps "Enrol at a service" 2 3
at_www "cat /var/lib/ratls/ak.crt" | tr -d '\r' >"$work/first.pem"
expect 0 "its nginx comes with the package" at_www \
    "/usr/bin/dpkg -i $archives/install.deb && /usr/bin/dpkg-query -W $package"

# ---- a policy, and clients

steps "What runs on it, and updates of packages" 1
has "www.ima.sha256: "
lacks /var/lib/ratls "$work/policies/www.ima.sha256"
at_www "cat /sys/kernel/security/ima/ascii_runtime_measurements" >"$work/list"
has " /var/lib/ratls/ak.crt" "$work/list"
lacks " /var/lib/ratls/ak.crt." "$work/list"
steps "Enrol by files" 11 12
cp "$ca/ca.crt" "$work/policies/"
section "What runs on it, and updates of packages" >"$work/page"
sed -n '/^  - issuer/,/^    crl/p' "$work/page" >"$work/keys"
sed -i -e "/^  - name: /{r $work/keys
d}" "$policy"
refused www "software TPMs are none, unless the policy says so" ak.software "policy: software-tpm"
echo "software-tpm: insecure-allow" >>"$policy"
cat "$policy"
accepted www "the client knows the CA alone, and accepts the machine"
client_conf
expect 0 "unmodified curl accepts it, too" curl_says
has welcome

# ---- the certificate is renewed

revoked="a certificate that its issuer has revoked"
step www "ratls enroll --force https://ca.bank.example/ --ca /etc/ratls/ca.crt $name"
has "ratlsd when it is restarted"
serial=$(openssl x509 -in "$work/first.pem" -noout -serial)
step ca "ratls ca revoke ${serial#serial=} --reason superseded"
steps "A machine that must not be believed any more" 2 3
refused www "without a restart ratlsd has the certificate of before" ak.revoked "$revoked"
at_www restart-agent
accepted www "then the new one is accepted, though the kernel has measured another file"

# ---- an update of a package

keep_policies before
steps "What runs on it, and updates of packages" 2
has "Unpacking $package"
refused www "the policy of before refuses the new program" ima.allow \
    "seen      /usr/sbin/nginx has sha256:"
lacks "wrong)"
expect 35 "so does curl" curl_says
has ima.allow
steps "What runs on it, and updates of packages" 3
has "/usr/sbin/nginx"
cmp -s "$work/before/www.ima.sha256" "$work/policies/www.ima.sha256" || fail "it was no dry run"
steps "What runs on it, and updates of packages" 4
accepted www "the machine is accepted with its update"
expect 0 "and by curl" curl_says
by_policies before refused www "who has not updated the policy still refuses" ima.allow \
    "/usr/sbin/nginx"

# ---- another initrd, as an update of the kernel's package makes one

at_www sync
halt_machine www
mkdir "$work/newer"
echo "an update" >"$work/newer/update"
(cd "$work/newer" && echo update | cpio -o -H newc --quiet | gzip -n |
    cat "$images/initrd.gz" -) >"$work/initrd.gz"
change_disk "$work/www/disk.img" --initrd "$work/initrd.gz"
keep_policies package
boot_machine www
digest=$(sha256sum "$work/initrd.gz" | cut -d' ' -f1)
refused www "the updated package is known, the new initrd is not" boot.files "$digest"
by_policies before refused www "at first both were unknown" "boot.files ima.allow" \
    "/usr/sbin/nginx" "$digest"
steps "What runs on it, and updates of packages" 3
has "+$digest"
steps "What runs on it, and updates of packages" 4
accepted www "the machine is accepted after the boot, with both"
by_policies package refused www "not by the policy between the two" boot.files "$digest"

# ---- nobody shall believe it any more

steps "A machine that must not be believed any more"
refused www "the machine is refused, though it is in a state that is allowed" ak.revoked "$revoked"
expect 35 "and by curl" curl_says
has ak.revoked
