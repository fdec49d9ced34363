"""A small HTTP server without TLS that writes the heads of the requests to a file.

usage: backend.py ADDRESS PORT FILE [SECONDS]: before it answers
"""
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with open(sys.argv[3], "a", encoding="utf-8") as log:
            log.write(f"{self.requestline}\n{self.headers}\n")
        if len(sys.argv) > 4:
            time.sleep(float(sys.argv[4]))
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"welcome\n")


http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
