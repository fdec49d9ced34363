#!/bin/sh
# Programs without asynchronous handshakes and a TPM that takes a second for a quote: who waits.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slow_lib.sh"
need nginx curl
prepare_slow 1000

start_nginx() { # start_nginx WORKERS
    use_example nginx.conf
    sed -i "s/^worker_processes .*/worker_processes $1;/" "$work/nginx.conf"
    start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
    wait_until_listening nginx "$port"
}

start_nginx 1
load "nginx with one worker"
[ "$took_plain" -ge $((delay_ms / 2)) ] || fail "one worker does not wait?"
[ "$(quotes)" -ge 8 ] || fail "one worker cannot wait for several at once"
stop nginx
start_nginx 2
load "nginx with two workers"
stop nginx

# Threads wait each for itself, and others go on.
apache_modules=/usr/lib/apache2/modules
if ! command -v apache2 >/dev/null || ! [ -e "$apache_modules/mod_ssl.so" ]; then
    skip "apache2 is missing; nginx was tried"
fi
mkdir -p "$work/htdocs"
echo welcome >"$work/htdocs/index.html"
cat >"$work/apache.conf" <<END
ServerRoot $work
ServerName $name
PidFile $work/apache.pid
ErrorLog $work/apache-error.log
LoadModule mpm_event_module $apache_modules/mod_mpm_event.so
LoadModule authz_core_module $apache_modules/mod_authz_core.so
LoadModule dir_module $apache_modules/mod_dir.so
LoadModule ssl_module $apache_modules/mod_ssl.so
Listen $address:$port
DocumentRoot $work/htdocs
DirectoryIndex index.html
SSLSessionCache none
SSLEngine on
SSLCertificateFile $work/server.pem
SSLCertificateKeyFile $work/server.key
END
chmod 711 "$work" && chmod 755 "$work/htdocs"
start apache env OPENSSL_CONF="$work/server.cnf" apache2 -X -f "$work/apache.conf"
wait_until_listening apache "$port"
load "Apache with its event MPM"
[ "$took_plain" -lt $((delay_ms / 2)) ] || fail "the plain client waited for the TPM"
[ "$(quotes)" -le 3 ] || fail "there were more quotes than batches"
