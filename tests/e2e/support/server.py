"""An HTTPS server of Python's ssl module that writes every byte which it decrypts to a file.

usage: server.py [--tls12] ADDRESS PORT CERTIFICATE KEY FILE
"""
import socket
import ssl
import sys
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nwelcome\n"


def serve(connection, context, path):
    try:
        with context.wrap_socket(connection, server_side=True) as tls:
            request = b""
            while data := tls.recv(65536):
                with open(path, "ab") as received:
                    received.write(data)
                request += data
                if b"\r\n\r\n" in request:
                    tls.sendall(ANSWER)
                    request = b""
    except OSError as error:
        print(error, flush=True)


def main():
    arguments = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if arguments[0] == "--tls12":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        arguments = arguments[1:]
    address, port, certificate, key, path = arguments
    context.load_cert_chain(certificate, key)
    listener = socket.create_server((address, int(port)), backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context, path), daemon=True).start()


main()
