#!/bin/sh
# Programs: an attacker's that ran once, nginx changed by a few bytes, those of the bank changed,
# with and without a signature. Each refusal names the program.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"

good_disk() {
    halt_machine web
    copy_machine "$images" web
}

put_tool() { # an attacker's; nobody has run it yet
    write_script web /var/tool 'echo spying'
}

new_machine web
boot_machine web
accepted web "the machine is accepted"

# ---- an attacker's tool

put_tool
accepted web "a file that nobody has run is no reason to refuse"
in_guest web /var/tool
refused web "an attacker's tool has run" ima.allow "/var/tool has sha256:" \
    "nothing is for this path"
in_guest web "rm /var/tool && sync"
refused web "deleting it afterwards does not help him" ima.allow "/var/tool has sha256:" \
    "nothing is for this path"
reboot_machine web
accepted web "after a boot without it the machine is accepted again"

# ---- a program that nobody signs: changed by its owner, and hidden under another

in_guest web "echo true >>/bin/unsigned-program && /bin/unsigned-program"
refused web "a program that nobody signs was changed" ima.allow "allowed is" \
    "/bin/unsigned-program has sha256:"
expect 0 "its owner has looked at the change, and adds it to the policy" "$ratls" policy update \
    "$policy" "$address:$port" --server-name "$name"
has /bin/unsigned-program
accepted web "then the machine is accepted"
put_tool
in_guest web "mount --bind /var/tool /bin/unsigned-program && /bin/unsigned-program"
refused web "an attacker mounts his tool over it" ima.allow "/bin/unsigned-program has sha256:"
reboot_machine web
accepted web "after a boot without it the machine is accepted again"
rm -r "$work/policies"
cp -r "$images/policies" "$work/policies"

# ---- nginx

cp "$(command -v nginx)" "$work/nginx"
printf 'one more line' >>"$work/nginx"
good_disk
put_file web /usr/sbin/nginx "$work/nginx"
boot_machine web
refused web "nginx was changed" ima.allow "allowed is" "/usr/sbin/nginx has sha256:"

# ---- a program that must be signed, and its updates: what they lack shows when they have run

printf '#!/bin/busybox sh\necho signed, version 2\n' >"$work/signed"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/attacker.key" -out "$work/attacker.pem" \
    -days 30 -subj "/CN=IT department of the bank" 2>"$work/req.log"
install_update() { # it takes its signature along
    expect 0 "the update is installed, and runs" in_guest web \
        "mv /var/update /bin/signed-program && /bin/signed-program"
    has "signed, version 2"
}
good_disk
put_file web /var/update "$work/signed"
boot_machine web
accepted web "the good machine is accepted again"
install_update
refused web "a program that must be signed was changed" ima.signature \
    "/bin/signed-program: the file has no signature"
good_disk
put_file web /bin/signed-program "$work/signed"
sign_file web /bin/signed-program "$images/ima.key"
put_file web /var/update "$work/signed"
sign_file web /var/update "$work/attacker.key"
boot_machine web
has "signed, version 2" "$work/console_web.log"
accepted web "signed by the bank it is accepted, and nobody has touched the policy"
install_update
refused web "an attacker who signs it, under the same name" ima.signature \
    "/bin/signed-program: the signature is by a key that is not among the allowed ones"
good_again web
