"""What the proxies of tests share: one direction of a TCP connection."""
import socket


def receive(source):
    try:
        return source.recv(65536)
    except OSError:
        return b""


def close_behind(target):
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def copy(source, target, see=lambda data: None):
    """Until one of the two has ended; see(data) is called before the target has it."""
    while data := receive(source):
        see(data)
        try:
            target.sendall(data)
        except OSError:
            break
    close_behind(target)
