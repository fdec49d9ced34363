"""A TCP proxy that writes down what the client sends: one line "type length" for each TLS record.

usage: recorder.py ADDRESS PORT SERVER-PORT FILE
"""
import socket
import struct
import sys
import threading

POSTGRES_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def write_records(pending, log):
    if pending.startswith(POSTGRES_SSL_REQUEST):
        del pending[: len(POSTGRES_SSL_REQUEST)]
    while len(pending) >= 5:
        length = struct.unpack(">H", pending[3:5])[0]
        if len(pending) < 5 + length:
            return
        log.write(f"{pending[0]} {length}\n")
        del pending[: 5 + length]


def copy(source, target, log):
    pending = bytearray()
    try:
        while data := source.recv(65536):
            if log:
                # Before it is passed on: whoever sees the server's answer sees the record too.
                pending += data
                write_records(pending, log)
                log.flush()
            target.sendall(data)
    except OSError:
        pass
    if log and pending:
        log.write(f"rest {len(pending)}\n")
        log.flush()
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main():
    address, port, server_port, path = sys.argv[1:]
    listener = socket.create_server((address, int(port)))
    with open(path, "a", encoding="ascii") as log:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((address, int(server_port)))
            threading.Thread(target=copy, args=(client, server, log), daemon=True).start()
            threading.Thread(target=copy, args=(server, client, None), daemon=True).start()


main()
