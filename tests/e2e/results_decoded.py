#!/usr/bin/env python3
"""What `ratls verify --ear` writes, read by others: cbor2 and cryptography (COSE), PyJWT and
jwcrypto (JOSE), the openssl command (ECDSA). And what `ratls show` says of it."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

try:
    import cbor2
    import jwt
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from jwcrypto import jwk, jws
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)

RATLS = os.path.join(os.environ["RATLS_BINARY_DIR"], "bin", "ratls")
VECTORS = os.path.join(os.environ["RATLS_SOURCE_DIR"], "tests", "vectors")
PROFILE = "tag:ietf.org,2026:rats/ear#03"
OK, REFUSED, USAGE, FAILED = range(4)
CURVES = {"P-256": ("ES256", -7, hashes.SHA256()), "P-384": ("ES384", -35, hashes.SHA384())}

failures = []
folder = tempfile.TemporaryDirectory()


def path(name):
    return os.path.join(folder.name, name)


def check(what, holds, why=""):
    print("%s: %s" % ("ok" if holds else "FAILED", what))
    if not holds:
        failures.append("%s %s" % (what, why))


def run(*arguments):
    return subprocess.run([RATLS, *arguments], capture_output=True, check=False)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def make_key(name, curve):
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:" + curve, "-out", path(name)],
                   capture_output=True, check=True)
    with open(path(name), "rb") as file:
        return serialization.load_pem_private_key(file.read(), None).public_key()


def shown(name):
    return json.loads(run("show", "--json", os.path.join(VECTORS, name)).stdout)


def selected(quote):
    """Bank and index of each PCR."""
    for banks in quote["pcrSelect"].split():
        bank, indices = banks.split(":")
        for index in indices.split(","):
            yield bank, int(index)


def selection(quote):
    """As a result has it (TPM 2.0 Part 2, 6.3)."""
    banks = {}
    for bank, index in selected(quote):
        banks.setdefault({"sha256": 0x0b, "sha384": 0x0c, "sha512": 0x0d}[bank], []).append(index)
    return [[bank, banks[bank]] for bank in sorted(banks)]


def write_policy(name, evidence, freshness, pcrs=None):
    statement, quote = evidence["statement"], evidence["quote"]
    lines = ["policy: ratls-1", "service: " + statement["service"], "attestation-keys:",
             "  - name: " + evidence["attestationKey"]["name"], freshness, "pcrs:"]
    for bank, index in selected(quote):
        value = (pcrs or evidence["pcrs"][bank])[str(index)]
        lines.append("  - {index: %d, %s: [%s]}" % (index, bank, value))
    with open(path(name), "w", encoding="ascii") as file:
        file.write("\n".join(line for line in lines if line) + "\n")


def ear(source, policy, out, key, *more, code=OK):
    done = run("verify", os.path.join(VECTORS, source), "--policy", path(policy), "--ear",
               path(out), "--ear-key", path(key), "--ear-expires", "7300d", *more)
    check("%s to %s: exit code %d" % (source, out, code), done.returncode == code, done.stderr)


def decode_cwt(data, public, curve):
    """The claims, if the signature is good (RFC 9052, 4.4)."""
    tag = cbor2.loads(data)
    header, unprotected, payload, signature = tag.value
    half = len(signature) // 2
    der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"),
                                     int.from_bytes(signature[half:], "big"))
    public.verify(der, cbor2.dumps(["Signature1", header, b"", payload]),
                  ec.ECDSA(CURVES[curve][2]))
    check("a COSE_Sign1 by %s" % curve, tag.tag == 18 and unprotected == {} and
          cbor2.loads(header) == {1: CURVES[curve][1], 3: 263}, header)
    claims = cbor2.loads(payload)
    check("deterministic CBOR", cbor2.dumps(claims, canonical=True) == payload)
    return claims


def check_with_openssl(data, public, curve):
    _, _, payload, signature = cbor2.loads(data).value
    header = cbor2.loads(data).value[0]
    half = len(signature) // 2
    with open(path("tbs"), "wb") as file:
        file.write(cbor2.dumps(["Signature1", header, b"", payload]))
    with open(path("der"), "wb") as file:
        file.write(utils.encode_dss_signature(int.from_bytes(signature[:half], "big"),
                                              int.from_bytes(signature[half:], "big")))
    with open(path("public"), "wb") as file:
        file.write(public.public_bytes(serialization.Encoding.PEM,
                                       serialization.PublicFormat.SubjectPublicKeyInfo))
    digest = "-sha256" if curve == "P-256" else "-sha384"
    done = subprocess.run(["openssl", "dgst", digest, "-verify",
                           path("public"), "-signature", path("der"), path("tbs")],
                          capture_output=True, check=False)
    check("openssl agrees", done.returncode == 0, done.stdout)


def check_cwt_claims(claims, evidence, nonce, trust, status):
    now = int(time.time())
    appraisal = claims[266]["RATLS_TPM"]
    ours = appraisal[-70300]
    with open(path("policy.yaml"), "rb") as file:
        policy = "sha256:" + hashlib.sha256(file.read()).hexdigest()
    check("claims of the result", claims[265] == PROFILE and abs(claims[6] - now) < 60 and
          isinstance(claims[4], int) and claims[1004][0] == "ratls" and
          claims[1004][1].startswith("ratls "), claims)
    check("claims of the appraisal", appraisal[1000] == status and appraisal[1001] == trust and
          appraisal[1003] == [policy] and appraisal.get(10) == nonce, appraisal)
    check("what was appraised", ours[4].hex() == evidence["attestationKey"]["name"] and
          ours[5] == selection(evidence["quote"]) and
          ours[6].hex() == evidence["quote"]["pcrDigest"] and
          ours[7] == evidence["quote"]["resetCount"] and ours[3].hex() ==
          evidence["statement"]["spkiSha256"] and ours[2] == evidence["statement"]["service"], ours)


def check_jwt(name, public, curve, cwt):
    token = read(name).decode()
    alg = CURVES[curve][0]
    claims = jwt.decode(token, public, algorithms=[alg], options={"verify_iat": False})
    check("PyJWT reads it", claims["eat_profile"] == PROFILE)
    jws_token = jws.JWS()
    jws_token.deserialize(token)
    jws_token.verify(jwk.JWK.from_pem(public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)))
    check("jwcrypto reads it", json.loads(jws_token.payload) == claims and
          jws_token.jose_header == {"alg": alg, "typ": "eat+jwt"})
    names = ["instance-identity", "configuration", "executables", "file-system", "hardware"]
    tiers = {0: "none", 2: "affirming", 32: "warning", 96: "contraindicated"}
    appraisal, same = claims["submods"]["RATLS_TPM"], cwt[266]["RATLS_TPM"]
    check("both encodings say the same", claims["exp"] == cwt[4] and
          appraisal["ear_status"] == tiers[same[1000]] and
          appraisal["ear_trustworthiness_vector"] ==
          {names[k]: v for k, v in same[1001].items()} and
          appraisal["ear_appraisal_policy_ids"] == same[1003] and
          appraisal["ear_ratls"]["pcr-selection"] == {"sha256": same[-70300][5][0][1]} and
          jwt.utils.base64url_decode(appraisal["ear_ratls"]["pcr-digest"]) == same[-70300][6],
          appraisal)


def check_shown(name, kind, status):
    done = run("show", "--json", path(name))
    document = json.loads(done.stdout)
    check("ratls show %s" % name, done.returncode == OK and document["type"] ==
          "attestation-result" and document["format"] == kind and document["status"] == status and
          document["appraised"]["pcrSelection"] == "sha256:0,1,7", document)


def main():
    capture = shown("capture.cbor")
    evidence = capture["evidence"]
    certificate = shown("certificate.der")
    write_policy("policy.yaml", evidence, "")
    for curve in CURVES:
        public = make_key("key.pem", curve)
        ear("capture.cbor", "policy.yaml", "ear.cwt", "key.pem")
        claims = decode_cwt(read("ear.cwt"), public, curve)
        check_with_openssl(read("ear.cwt"), public, curve)
        check_cwt_claims(claims, evidence, bytes.fromhex(capture["client"]["binder"]), {0: 2}, 2)
        ear("capture.cbor", "policy.yaml", "ear.jwt", "key.pem", "--ear-format", "jwt")
        check_jwt("ear.jwt", public, curve, claims)
        check_shown("ear.cwt", "cwt", "affirming")
        check_shown("ear.jwt", "jwt", "affirming")
    other = dict(evidence["pcrs"]["sha256"])
    other["7"] = "ab" * 32
    write_policy("policy.yaml", evidence, "", other)
    ear("capture.cbor", "policy.yaml", "refused.cwt", "key.pem", code=REFUSED)
    claims = decode_cwt(read("refused.cwt"), public, curve)
    check_cwt_claims(claims, evidence, bytes.fromhex(capture["client"]["binder"]),
                     {0: 2, 1: 36, 2: 33}, 96)
    # The key of a certificate is known whole, so that it can be said.
    write_policy("policy.yaml", certificate["evidence"], "freshness: certificate\nmax-age: 3650d")
    ear("certificate.der", "policy.yaml", "certificate.cwt", "key.pem")
    claims = decode_cwt(read("certificate.cwt"), public, curve)
    check_cwt_claims(claims, certificate["evidence"], None, {0: 2}, 2)
    with open(os.path.join(VECTORS, "tls-public.der"), "rb") as file:
        check("akpub is the TLS key", claims[266]["RATLS_TPM"][-70002] == {"akpub": file.read()})


def check_mistakes():
    capture = os.path.join(VECTORS, "capture.cbor")
    base = ["verify", capture, "--policy", path("policy.yaml")]
    subprocess.run(["openssl", "genrsa", "-out", path("rsa.pem"), "2048"], capture_output=True,
                   check=True)
    mistakes = [
        (["--ear", path("x")], b"--ear-key"),
        (["--ear-key", path("key.pem")], b"--ear says"),
        (["--ear", path("x"), "--ear-key", path("rsa.pem")], b"not an ECDSA key"),
        (["--ear", path("x"), "--ear-key", path("key.pem"), "--ear-format", "xml"], b"neither cwt"),
        (["--ear", path("x"), "--ear-key", path("key.pem"), "--ear-expires", "1"],
         b"--ear-expires"),
    ]
    for arguments, words in mistakes:
        done = run(*base, *arguments)
        check("%s is refused" % " ".join(arguments[-2:]), done.returncode == USAGE and
              words in done.stderr, done.stderr)
    write_policy("policy.yaml", shown("capture.cbor")["evidence"], "")
    done = run(*base, "--ear", path("x"), "--ear-key", path("key.pem"), "--ear-expires", "1h")
    check("a capture of long ago gives no fresh result", done.returncode == USAGE and
          b"would have expired" in done.stderr, done.stderr)
    done = run(*base, "--ear", "-", "--ear-key", path("key.pem"), "--ear-expires", "7300d")
    check("standard output has nothing but the result", done.returncode == OK and
          cbor2.loads(done.stdout).tag == 18 and b"ACCEPTED" in done.stderr, done.stderr)
    check("nothing else was written", not os.path.exists(path("x")))


main()
check_mistakes()
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
