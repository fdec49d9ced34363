"""A TCP proxy that writes down what clients send: one line "type length" for each TLS record,
behind "begin" for each connection and before "end" when the client has closed it.

usage: recorder.py [--hold] ADDRESS PORT SERVER-PORT FILE

With --hold a client that has a connection keeps it when its server is gone.
"""
import os
import socket
import struct
import sys
import threading

from relay import close_behind, receive

POSTGRES_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def take_records(pending):
    """Lines for what is complete in pending, and gone from there."""
    lines = ""
    if pending.startswith(POSTGRES_SSL_REQUEST):
        del pending[: len(POSTGRES_SSL_REQUEST)]
    while len(pending) >= 5:
        length = struct.unpack(">H", pending[3:5])[0]
        if len(pending) < 5 + length:
            break
        lines += f"{pending[0]} {length}\n"
        del pending[: 5 + length]
    return lines


def record(client, server, log):
    """All that the client sends, also what its server does not take any more."""
    pending = bytearray()
    while data := receive(client):
        # Before it is passed on: whoever sees the server's answer sees the record too.
        pending += data
        os.write(log, take_records(pending).encode())
        try:
            server.sendall(data)
        except OSError:
            pass
    os.write(log, (f"rest {len(pending)}\n" if pending else "").encode() + b"end\n")
    close_behind(server)


def answer(server, client, hold):
    try:
        while data := receive(server):
            client.sendall(data)
    except OSError:
        return
    if not hold:
        close_behind(client)


def main():
    hold = sys.argv[1] == "--hold"
    address, port, server_port, path = sys.argv[-4:]
    listener = socket.create_server((address, int(port)))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection((address, int(server_port)))
        except OSError:
            client.close()
            continue
        os.write(log, b"begin\n")
        threading.Thread(target=record, args=(client, server, log), daemon=True).start()
        threading.Thread(target=answer, args=(server, client, hold), daemon=True).start()


main()
