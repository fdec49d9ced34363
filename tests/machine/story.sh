#!/bin/sh
# A story to read, of a bank, its customer and an attacker: a really measured machine is changed in
# one way after the other, and refused before a password leaves. It is a test as well: each verdict,
# the checks that make it, and their words are asserted.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
. "$machine_scripts/telling.sh"
need dpkg-query md5sum mcopy
export PATH="$RATLS_BINARY_DIR/bin:$PATH" CURL_HOME="$work"
log_in="OPENSSL_CONF=client.cnf curl --user customer:secret https://$name/account"
served=0 refused=0

# connect NAME: curl and ratls of the customer reach the machine from now on, over a line on which
# somebody writes down what they send.
connect() {
    [ -z "${pid_of_recorder:-}" ] || stop recorder
    eval "port=\$port_of_$1"
    start_recorder
    printf '%s\n' silent show-error "cacert = $work/server.pem" \
        "connect-to = $name:443:$address:$port" >"$work/.curlrc"
    probe="ratls probe --policy policies --ca server.pem --server-name $name $address:$port"
}

boot_and_connect() {
    gap
    boot "$1"
    connect "$1"
    gap
}

what_left() { # what the recorder has seen of the customer
    awk '/^22 / { printf "Recorded on the line, from the customer: a ClientHello (%d bytes)", $2 }
        $1 == 23 && $2 != 19 { data += $2 }
        /^23 19$|^21 / { alert = ", an alert" }
        END { print (data ? ", encrypted data (" data " bytes)" : "") alert "." }' "$work/records"
}

customer_is_served() {
    forget_records
    typed 'customer$' 0 "$log_in"
    has welcome
    all_is_recorded
    awk '$1 == 23 && $2 > 100 { seen = 1 } END { exit !seen }' "$work/records" ||
        fail "the recorder has not seen the request"
    what_left
    served=$((served + 1))
}

curl_refuses() { # curl_refuses CHECKS: curl names the first of them
    forget_records
    typed 'customer$' 35 "$log_in"
    has "attestation refused: ${1%% *} (required: "
    only_an_alert_left
    what_left
}

# customer_refuses CHECKS WORDS...: exactly these checks fail, in the order of a report, which has
# these words.
customer_refuses() {
    [ $# -gt 1 ] || fail "customer_refuses $1: in which words?"
    curl_refuses "$1"
    tell "No password has left, no user, not even a path. And why? ratls shows the checks that" \
        "failed:"
    gap
    typed 'customer$' 1 "$probe" report
    failed_are "$1"
    shift
    for words; do has "$words"; done
    refused=$((refused + 1))
}

customer_still_refuses() { # as in the report before
    curl_refuses "$1"
    expect 1 "still refused" sh -c "cd '$work' && $probe"
    failed_are "$1"
    has "$2"
    refused=$((refused + 1))
}

halt_for_changes() {
    ! is_up web || halt_machine web
    copy_machine "$images" web
}

essence() { # of an explained policy
    grep -E 'Secure Boot must|kernel.s command|boot loader read|Each file must|must be signed;' |
        quote
}

proof() { # of a report: the checks that say most, and how many there are
    awk '/^ACCEPTED/ { print }
        /^  ok / { held++ }
        /^  ok  *(statement.binder|quote.signature|ak.trust|boot.secure-boot|boot.command-line) / ||
        /^  ok  *(boot.files|ima.allow) / { print; shown++ }
        END { printf "  ok       and %d further checks\n", held - shown }' | quote
}

its_name() {
    grep '^  Name' | quote
}

new_machine web
cp "$images/server.pem" "$work/"
client_conf
client_log_off

chapter "1. The bank starts its web server"
tell "A machine with a TPM and Secure Boot; boot loaders, kernel and nginx are those of" \
    "Debian. The firmware measures into the TPM what it starts, Linux measures every program" \
    "before it runs. nginx has never heard of attestation: its OpenSSL loads ratls, by one" \
    "environment variable and a short file."
boot_and_connect web
typed_in web 'operator@bank#' "grep -v '^#' /etc/ratls/openssl.cnf"
typed_in web 'operator@bank#' "sha256sum /usr/sbin/nginx"
cp "$work/output.log" "$work/nginx.inside"
gap
tell "On the computer beside it, where Debian's package is installed as it came:"
typed 'operator$' 0 "sha256sum /usr/sbin/nginx"
cmp "$work/output.log" "$work/nginx.inside" || fail "another nginx runs in the machine"
debian_package=$(dpkg-query -S /usr/sbin/nginx 2>/dev/null | sed 's|: /usr/sbin/nginx$||')
[ -n "$debian_package" ] || fail "/usr/sbin/nginx is of no package of Debian"
sums=$(dpkg-query --control-path "$debian_package" md5sums)
[ -n "$sums" ] || fail "the package $debian_package has no list of its files"
typed 'operator$' 0 "cd / && grep ' usr/sbin/nginx$' $sums | md5sum --check"
has "usr/sbin/nginx: OK"

chapter "2. The customers are told what a good machine is"
tell "While the machine is known to be good, the operator has let ratls write down what it" \
    "proves, with 'ratls policy learn'. He reads it, and hands it to the customers. It says," \
    "among other things:"
gap
typed 'operator$' 0 "ratls policy explain policies/bank.yaml" essence
has "Secure Boot must have been on"

chapter "3. A customer logs in"
tell "With an unmodified curl. Its OpenSSL is told, by client.cnf, to send nothing to a server" \
    "that does not prove to be what the policy says."
gap
customer_is_served
gap
tell "The password left when the machine had proved, in this very handshake, what it has" \
    "booted and which programs have run. ratls shows what was looked at:"
gap
typed 'customer$' 0 "$probe" proof
has ACCEPTED

chapter "4. An attacker gets in, and runs a program"
tell "He is root. He changes nothing of the bank's; he only wants to listen."
gap
typed_in web 'attacker@bank#' \
    "echo '#!/bin/busybox sh' >/bin/listen; echo 'echo waiting for passwords' >>/bin/listen"
typed_in web 'attacker@bank#' "chmod 755 /bin/listen; listen"
gap
customer_refuses ima.allow /bin/listen
gap
tell "The customers stay away. He sees it, and removes his program:"
gap
typed_in web 'attacker@bank#' "rm /bin/listen"
customer_still_refuses ima.allow /bin/listen
tell "What the TPM has seen, it does not forget before the machine boots again."

chapter "5. He puts a back door into nginx, and starts the machine again"
typed_in web 'attacker@bank#' "cp /usr/sbin/nginx /tmp/nginx; echo 'a back door' >>/tmp/nginx"
typed_in web 'attacker@bank#' "mv /tmp/nginx /usr/sbin/nginx; sync"
halt_machine web
boot_and_connect web
customer_refuses ima.allow /usr/sbin/nginx

chapter "6. He tells Linux not to measure programs any more"
tell "The bank's nginx is back in its place. He works on the disk: from the kernel's command" \
    "line he takes the words 'ima_policy=tcb' and what belongs to them."
gap
halt_for_changes
printf '%s\n' 'set timeout=0' 'linux /vmlinuz console=ttyS0 quiet' 'initrd /initrd.gz' boot \
    >"$work/grub.cfg"
typed 'attacker$' 0 "grep linux grub.cfg"
typed 'attacker$' 0 "mcopy -o -i web/disk.img@@1M grub.cfg ::/EFI/debian/grub.cfg"
boot_and_connect web
customer_refuses "boot.command-line boot.files ima.allow" '"linux /vmlinuz console=ttyS0 quiet"'

chapter "7. He switches Secure Boot off"
tell "Now neither the firmware nor GRUB asks who has signed what they start."
its_checks="boot.secure-boot boot.variables boot.signers"
if [ -n "$by_efi" ]; then
    tell "As without Secure Boot this GRUB would lose the log of the boot, and no log is refused" \
        "as well, he has it start Linux by EFI (linuxefi)."
    its_checks="$its_checks boot.firmware boot.command-line boot.files"
fi
gap
halt_for_changes
typed 'attacker$' 0 "cp $firmware/OVMF_VARS_4M.fd web/vars.fd  # the firmware's settings"
if [ -n "$by_efi" ]; then
    printf '%s\n' 'set timeout=0' "linuxefi /vmlinuz $command_line" 'initrdefi /initrd.gz' boot \
        >"$work/grub.cfg"
    typed 'attacker$' 0 "mcopy -o -i web/disk.img@@1M grub.cfg ::/EFI/debian/grub.cfg"
fi
boot_and_connect web
customer_refuses "$its_checks" "expected  Secure Boot: on"

chapter "8. He copies the bank's disk, and boots it in a machine of his own"
tell "Everything is the bank's, nginx's private key too. But the key that signs what a machine" \
    "proves is in the bank's TPM, and cannot leave it. In his TPM he can only make another:"
halt_machine web
new_machine thief
rm -r "$work/thief/tpm"
make_tpm "$work/thief/tpm"
boot_and_connect thief
typed_in thief 'attacker@home#' \
    "ratls init --replace --state /var/lib/ratls --tcti device:/dev/tpmrm0" its_name
their_key=$(awk '$1 == "Name" { print $2 }' "$work/output.log")
[ "${#their_key}" -eq 68 ] || fail "ratls init says no Name"
# shellcheck disable=SC2016 # the shell there
typed_in thief 'attacker@home#' \
    'kill $(pidof ratlsd); sleep 1; rm -f /run/ratls/agent.sock; start-agent'
gap
customer_refuses ak.trust "$their_key"
halt_machine thief

chapter "9. The bank puts its machine right"
tell "Disk and firmware are again as in chapter 1. Nobody has to tell the customer, and his" \
    "policy is the same."
halt_for_changes
boot_and_connect web
customer_is_served

chapter "The password left the customer's computer twice"
[ "$served $refused" = "2 6" ] || fail "served $served times, refused $refused times"
tell "Both times to the machine that the bank had promised. Six times it stayed at home, though" \
    "each time nginx answered, with the right certificate and the right private key; and each" \
    "refusal named what had changed. ($checks statements of this story were checked while it was" \
    "told. What no machine can prove in this way is in policies/README.md: \"What logs do not" \
    "protect from\".)"
checks=0
