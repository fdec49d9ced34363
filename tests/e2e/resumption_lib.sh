# Sourced behind lib.sh by tests in which sessions are resumed: nginx as a client, which keeps the
# sessions themselves, in one process.
# shellcheck shell=sh
: "${work:?}" "${address:?}" "${name:?}"

start_front() { # in front of $port; its own is $front
    front=$(free_port)
    mkdir -p "$work/front"
    cat >"$work/front.conf" <<EOF
worker_processes 1;
pid $work/front/pid;
error_log $work/front-error.log info;
events {}
http {
    access_log off;
    client_body_temp_path $work/front;
    proxy_temp_path $work/front;
    fastcgi_temp_path $work/front;
    uwsgi_temp_path $work/front;
    scgi_temp_path $work/front;
    upstream back { server $address:${port:?}; }
    server {
        listen $address:$front;
        location / {
            proxy_pass https://back;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate $work/server.pem;
            proxy_ssl_name $name;
            proxy_ssl_server_name on;
        }
    }
}
EOF
    start front env OPENSSL_CONF="$work/client.cnf" nginx -c "$work/front.conf" \
        -g 'daemon off; error_log stderr;'
    wait_until_listening front "$front"
}

through_front() { # what the server says of each connection: header X-Resumed
    curl --silent --show-error --fail --max-time 30 --output /dev/null \
        --write-out '%header{x-resumed}\n' "http://$address:$front/[1-3]"
}

front_is_refused() {
    ! through_front >"$work/answers" 2>&1
}
