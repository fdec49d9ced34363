"""Stands between a client and a service on UNIX sockets, one exchange of HTTP in each connection:
holding_proxy.py SOCKET SERVICE ORDER

A line "before POST /v1/answers" in the file ORDER holds the next such exchange before it gets to
the service, "behind ..." when the service has answered, and "lose ..." closes then. The file goes
away, and ORDER.held is there instead, while the client gets nothing.
"""
import os
import socket
import socketserver
import sys

_, PLACE, SERVICE, ORDER = sys.argv


def read_exchange(stream):
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        more = stream.recv(65536)
        if not more:
            return b""
        body += more
    return head + b"\r\nConnection: close\r\n\r\n" + body


def ask_service(question):
    with socket.socket(socket.AF_UNIX) as service:
        service.connect(SERVICE)
        service.sendall(question)
        answer = b""
        while more := service.recv(65536):
            answer += more
        return answer


def take_order(question):
    """Which of the words is meant for this exchange, if any is."""
    try:
        with open(ORDER, encoding="ascii") as file:
            word, _, what = file.read().strip().partition(" ")
    except FileNotFoundError:
        return ""
    if not question.startswith(what.encode()):
        return ""
    os.remove(ORDER)
    return word


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        question = read_exchange(self.request)
        if not question:
            return
        print(question.split(b" HTTP/")[0].decode(), flush=True)
        word = take_order(question)
        answer = b"" if word == "before" else ask_service(question)
        if word in ("before", "behind"):
            with open(ORDER + ".held", "w", encoding="ascii"):
                pass
            self.request.recv(1)
        elif word != "lose":
            self.request.sendall(answer)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


Server(PLACE, Handler).serve_forever()
