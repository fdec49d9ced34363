#!/usr/bin/env python3
"""A TCP proxy that writes down "connection K" for the K-th, and "received K N" for N bytes of the
server, before the client has them: count_bytes.py ADDRESS PORT SERVER-PORT FILE"""
import socket
import sys
import threading

from relay import copy

address, port, server_port, path = sys.argv[1:]
log = open(path, "a", encoding="ascii", buffering=1)


def answer(server, client, number):
    copy(server, client, lambda data: log.write(f"received {number} {len(data)}\n"))


connections = 0
listener = socket.create_server((address, int(port)))
while True:
    client, _ = listener.accept()
    connections += 1
    log.write(f"connection {connections}\n")
    server = socket.create_connection((address, int(server_port)))
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    threading.Thread(target=answer, args=(server, client, connections), daemon=True).start()
