"""A client of Python's ssl module, as a program would use it: sends a request with a secret.

usage: client.py [--no-pki] ADDRESS PORT NAME CA SECRET
"""
import http.client
import socket
import ssl
import sys


def main():
    arguments = sys.argv[1:]
    no_pki = arguments[0] == "--no-pki"
    address, port, name, ca, secret = arguments[no_pki:]
    context = ssl.create_default_context(cafile=ca)
    if no_pki:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(name, int(port), context=context, timeout=30)
    # As http.client does it, but to the address of the test instead of one from the DNS.
    connection.sock = context.wrap_socket(
        socket.create_connection((address, int(port)), timeout=30), server_hostname=name
    )
    connection.request("GET", "/", headers={"X-Secret": secret})
    answer = connection.getresponse()
    print(answer.status, answer.read().decode())


main()
