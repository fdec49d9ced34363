"""notified.py SOCKET PROGRAM...: what a program tells systemd (sd_notify(3)) from its begin,
through SIGHUP, to its end by SIGTERM; with a watchdog of half a second."""
import os
import signal
import socket
import subprocess
import sys
import time

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
notify.settimeout(20)
program = subprocess.Popen(sys.argv[2:],
                           env=dict(os.environ, NOTIFY_SOCKET=sys.argv[1], WATCHDOG_USEC="500000"))


def wait_for(wanted):
    """Reads until this is said; the lines of that message."""
    while True:
        lines = notify.recv(4096).decode("ascii").splitlines()
        print(*lines)
        if wanted in lines:
            return lines


wait_for("READY=1")
wait_for("WATCHDOG=1")
wait_for("WATCHDOG=1")
program.send_signal(signal.SIGHUP)
told = dict(line.split("=", 1) for line in wait_for("RELOADING=1"))
now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
assert abs(int(told["MONOTONIC_USEC"]) - now_us) < 10**7
wait_for("READY=1")
program.send_signal(signal.SIGTERM)
wait_for("STOPPING=1")
assert program.wait(20) == 0
