"""Clients that ask for evidence and are gone before it comes.

vanish.py keep ADDRESS PORT FILE: writes down the ClientHello of one client
vanish.py ask ADDRESS PORT FILE COUNT AT_ONCE SECONDS: COUNT clients say the same, AT_ONCE of them
at a time, and are gone, without a word, after SECONDS
"""
import collections
import socket
import struct
import sys
import time

RECORD_HEADER = 5
NO_WORD = struct.pack("ii", 1, 0)  # struct linger: RST


def read_exactly(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            sys.exit("the client is gone")
        data += more
    return data


def keep(address, port, path):
    with socket.create_server((address, port)) as listener:
        connection, _ = listener.accept()
        with connection, open(path, "wb") as file:
            header = read_exactly(connection, RECORD_HEADER)
            file.write(header + read_exactly(connection, int.from_bytes(header[3:], "big")))


def leave(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_WORD)
    client.close()


def ask(address, port, path, count, at_once, seconds):
    with open(path, "rb") as file:
        hello = file.read()
    clients = collections.deque()
    for _ in range(count):
        client = socket.create_connection((address, port), timeout=30)
        client.sendall(hello)
        clients.append((time.monotonic() + seconds, client))
        while len(clients) >= at_once or (clients and clients[0][0] <= time.monotonic()):
            until, client = clients.popleft()
            time.sleep(max(0, until - time.monotonic()))
            leave(client)
    for until, client in clients:
        time.sleep(max(0, until - time.monotonic()))
        leave(client)


def main(command, address, port, path, *numbers):
    if command == "keep":
        keep(address, int(port), path)
    else:
        ask(address, int(port), path, int(numbers[0]), int(numbers[1]), float(numbers[2]))


main(*sys.argv[1:])
