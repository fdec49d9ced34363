#!/bin/sh
# A measured machine for a person: boots it, says how to reach it, and ends it with Ctrl-C.
# by_hand.sh [CHANGE]: scripts/machine.sh --help knows what may be changed.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
. "$machine_scripts/telling.sh"

change() { # change WHAT: $changed says it, and which checks refuse it
    changed=
    case $1 in
    none) ;;
    nginx)
        changed="nginx is another program. The policy refuses it: ima.allow."
        get_file web /usr/sbin/nginx "$work/nginx"
        echo "a back door" >>"$work/nginx"
        put_file web /usr/sbin/nginx "$work/nginx"
        ;;
    boot-loader)
        changed="GRUB is another one of Debian's. The policy refuses it: boot.images."
        make_disk web --loader "$grub/grubnetx64.efi.signed"
        ;;
    command-line)
        changed="the kernel keeps no records (audit=0). The policy refuses it: boot.command-line."
        make_disk web --command-line "$command_line audit=0"
        ;;
    no-ima)
        changed="IMA measures nothing. The policy refuses it: boot.command-line, ima.allow."
        make_disk web --command-line "console=ttyS0 quiet"
        ;;
    *) fail "no change is called $1" ;;
    esac
}

new_machine web
change "${1:-none}"
client_conf
boot web
cp "$images/server.pem" "$work/"
flock -u 8 # it has what it needs of the images, and may run for days
certificate=$work/server.pem port='' pid=''
eval "port=\$port_of_web pid=\$pid_of_machine_web"
chapter "The machine is up"
tell "Debian's nginx serves https://$name/ at $address:$port. Firmware, boot loaders and kernel" \
    "have measured into the machine's TPM what they started. In another terminal:"
gap
if [ -n "$changed" ]; then
    tell "${bold}Changed:$normal $changed"
    gap
fi
tell "${bold}See what it proves, judged by its policy$normal"
echo "$ratls probe --policy $policy --ca $certificate --server-name $name $address:$port"
gap
tell "${bold}Log in with an unmodified curl; it sends nothing to a machine that is refused$normal"
echo "OPENSSL_CONF=$work/client.cnf curl -sS --cacert $certificate" \
    "--connect-to $name:443:$address:$port" \
    "--user customer:secret https://$name/account"
gap
tell "${bold}Be root in it, and run what the policy does not know:" \
    "cp /bin/unsigned-program /bin/mine; mine$normal"
echo "$python $machine_scripts/control.py $work/web/control"
gap
tell "${bold}Read the policy in sentences; watch the console$normal"
echo "$ratls policy explain $policy"
echo "tail -f $work/console_web.log"
gap
tell "Ctrl-C here ends the machine, and takes away what belongs to it."
checks=0
trap 'tell "" "The machine has ended."; exit 0' INT
wait "$pid" || true
tell "The machine has ended by itself."
