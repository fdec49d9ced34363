"""A client of Python's ssl module that keeps its session, as a program would.

usage: resume.py ADDRESS PORT NAME CA

For each line on standard input it connects once, offers the session of before, and prints
"resumed", "full" or "refused REASON".
"""
import socket
import ssl
import sys


def connect(context, address, port, name, session):
    with socket.create_connection((address, port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=session) as channel:
            channel.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
            while channel.recv(4096):  # the tickets come with the answer
                pass
            return channel.session, channel.session_reused


def main():
    address, port, name, ca = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    session = None
    for _ in sys.stdin:
        try:
            session, reused = connect(context, address, int(port), name, session)
            print("resumed" if reused else "full", flush=True)
        except ssl.SSLError as error:
            print("refused", error, flush=True)


main()
