"""A time stamp authority (RFC 3161): openssl ts behind HTTP. tsa.py ADDRESS PORT FOLDER

FOLDER has tsa.pem and tsa.key. Each request is one line more in FOLDER/asked. While FOLDER/down
exists, the answer is an error.
"""
import http.server
import os
import subprocess
import sys
import tempfile

address, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]

CONFIG = f"""
[tsa]
default_tsa = clock
[clock]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.2
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"]))
        with open(f"{folder}/asked", "a", encoding="ascii") as asked:
            asked.write("x\n")
        if os.path.exists(f"{folder}/down"):
            self.send_error(503)
            return
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(query)
            file.flush()
            answer = subprocess.run(
                ["openssl", "ts", "-reply", "-config", f"{folder}/tsa.cnf", "-queryfile",
                 file.name], check=True, stdout=subprocess.PIPE).stdout
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


with open(f"{folder}/tsa.cnf", "w", encoding="ascii") as config:
    config.write(CONFIG)
with open(f"{folder}/serial", "w", encoding="ascii") as serial:
    serial.write("01\n")
http.server.HTTPServer((address, port), Handler).serve_forever()
