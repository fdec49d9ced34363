"""A TCP proxy that resets its first connection when the third comes: it has little patience.

usage: impatient.py ADDRESS PORT SERVER-PORT
"""
import socket
import struct
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main():
    address, port, server_port = sys.argv[1:]
    listener = socket.create_server((address, int(port)))
    clients = []
    while True:
        client, _ = listener.accept()
        clients.append(client)
        if len(clients) == 3:
            linger = struct.pack("ii", 1, 0)
            clients[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            clients[0].shutdown(socket.SHUT_RD)  # wakes the thread that reads
            clients[0].close()
        server = socket.create_connection((address, int(server_port)))
        threading.Thread(target=copy, args=(client, server), daemon=True).start()
        threading.Thread(target=copy, args=(server, client), daemon=True).start()


main()
