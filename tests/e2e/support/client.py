"""A client of Python's ssl module, as a program would use it: sends a request with a secret.

usage: client.py [--no-pki] [--at-once N] ADDRESS PORT NAME CA SECRET
"""
import argparse
import concurrent.futures
import http.client
import socket
import ssl


def request(context, arguments):
    connection = http.client.HTTPSConnection(
        arguments.name, arguments.port, context=context, timeout=30
    )
    # As http.client does it, but to the address of the test instead of one from the DNS.
    connection.sock = context.wrap_socket(
        socket.create_connection((arguments.address, arguments.port), timeout=30),
        server_hostname=arguments.name,
    )
    connection.request("GET", "/", headers={"X-Secret": arguments.secret})
    answer = connection.getresponse()
    return f"{answer.status} {answer.read().decode()}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-pki", action="store_true")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    for name in ("name", "ca", "secret"):
        parser.add_argument(name)
    arguments = parser.parse_args()
    context = ssl.create_default_context(cafile=arguments.ca)
    if arguments.no_pki:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as threads:
        running = [threads.submit(request, context, arguments) for _ in range(arguments.at_once)]
    for one in running:
        print(one.result())


main()
