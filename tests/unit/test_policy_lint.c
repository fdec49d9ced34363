/* Each warning with its exact place and words, and policies without any. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki.h"
#include "policy_lint.h"

#define AA16 "aaaaaaaaaaaaaaaa"
#define AA64 AA16 AA16 AA16 AA16
#define ZERO16 "0000000000000000"
#define ZERO64 ZERO16 ZERO16 ZERO16 ZERO16
#define FF16 "ffffffffFFFFFFFF"
#define FF64 FF16 FF16 FF16 FF16
#define PCR(index) "  - {index: " index ", sha256: [" AA64 "]}\n"
#define FIRMWARE PCR("0") PCR("1") PCR("2") PCR("3") PCR("4") PCR("5") PCR("6") PCR("7")
#define SERVERS "policy: ratls-1\nservers: [a.example]\n"
#define KEYS "attestation-keys: [{name: 000b" AA64 "}]\n"

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/ratls-lint-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    cr_assert(eq(int, chdir(folder), 0));
    umask(022);
}

static void remove_folder(void)
{
    (void)!unlink("p.yaml");
    (void)!unlink("ca.pem");
    cr_assert(eq(int, chdir("/"), 0));
    cr_assert(eq(int, rmdir(folder), 0));
}

TestSuite(policy_lint, .init = make_folder, .fini = remove_folder);

static char said[4096];

static void hear(void *self, const char *text)
{
    size_t len = strlen(said);

    cr_expect(eq(ptr, self, said));
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

static void write_text(const char *text)
{
    FILE *f = fopen("p.yaml", "w");

    cr_assert(ne(ptr, f, NULL));
    cr_assert(ge(int, fputs(text, f), 0));
    cr_assert(eq(int, fclose(f), 0));
}

static void write_issuer(void)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    struct pki_spec spec = {.subject = "AK issuer", .key = key, .ca = "critical,CA:TRUE"};
    X509 *certificate = pki_certificate(&spec);
    FILE *f = fopen("ca.pem", "w");

    cr_assert(ne(ptr, f, NULL));
    cr_assert(eq(int, PEM_write_X509(f, certificate), 1));
    cr_assert(eq(int, fclose(f), 0));
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct linted {
    const char *name;
    const char *text;
    const char *warnings;
};

static const struct linted cases[] = {
    {"nothing to say", SERVERS KEYS "pcrs:\n" FIRMWARE, ""},
    {"more than needed", SERVERS KEYS "pcrs:\n" FIRMWARE PCR("8") PCR("11"), ""},
    {"every name", "policy: ratls-1\n" KEYS "pcrs:\n" FIRMWARE,
     "p.yaml:1:1: no servers: this policy speaks for every name\n"},
    {"server without key",
     "policy: ratls-1\nservers: [a.example, b.example, \"*.c.example\"]\n"
     "attestation-keys: [{name: 000b" AA64 ", servers: [a.example, x.c.example]}]\n"
     "pcrs:\n" FIRMWARE,
     "p.yaml:2:22: servers[1]: no attestation key is for this server: it is always refused\n"},
    {"pins of several servers",
     "policy: ratls-1\nservers: [a.example, b.example]\nattestation-keys:\n"
     "  - {name: 000b" AA64 "}\n  - {name: 000b" ZERO64 ", servers: [b.example]}\n"
     "pcrs:\n" FIRMWARE,
     "p.yaml:4:12: attestation-keys[0].name: no servers: this key is accepted for every server of "
     "this policy, also for those of other machines\n"},
    {"pins of a wildcard",
     "policy: ratls-1\nservers: [\"*.example\"]\nattestation-keys:\n"
     "  - {name: 000b" AA64 ", servers: [a.example]}\n  - {name: 000b" ZERO64 "}\n"
     "pcrs:\n" FIRMWARE,
     "p.yaml:5:12: attestation-keys[1].name: no servers: this key is accepted for every server of "
     "this policy, also for those of other machines\n"},
    {"pins of one server",
     "policy: ratls-1\nservers: [a.example]\n"
     "attestation-keys: [{name: 000b" AA64 "}, {name: 000b" ZERO64 "}]\n"
     "pcrs:\n" FIRMWARE,
     ""},
    {"several servers of one pin",
     "policy: ratls-1\nservers: [a.example, b.example]\n" KEYS "pcrs:\n" FIRMWARE, ""},
    {"issuer without servers", SERVERS "attestation-keys: [{issuer: ca.pem}]\npcrs:\n" FIRMWARE,
     "p.yaml:3:29: attestation-keys[0].issuer: no servers: every attestation key is accepted that "
     "this issuer certifies for a server of this policy\n"},
    {"issuer without any servers",
     "policy: ratls-1\nattestation-keys: [{issuer: ca.pem}]\npcrs:\n" FIRMWARE,
     "p.yaml:1:1: no servers: this policy speaks for every name\n"
     "p.yaml:2:29: attestation-keys[0].issuer: no servers: every attestation key is accepted that "
     "this issuer certifies for the name that is meant\n"},
    {"issuer with servers",
     SERVERS "attestation-keys: [{issuer: ca.pem, servers: [a.example]}]\npcrs:\n" FIRMWARE, ""},
    {"every client", "policy: ratls-1\nclients: [\"*\"]\n" KEYS "pcrs:\n" FIRMWARE,
     "p.yaml:2:10: clients: this policy speaks for every client\n"},
    {"client without key",
     "policy: ratls-1\nclients: [a.example, b.example]\n"
     "attestation-keys: [{name: 000b" AA64 ", clients: [a.example]}]\npcrs:\n" FIRMWARE,
     "p.yaml:2:22: clients[1]: no attestation key is for this client: it is always refused\n"},
    {"issuer without clients",
     "policy: ratls-1\nclients: [a.example]\nattestation-keys: [{issuer: ca.pem}]\n"
     "pcrs:\n" FIRMWARE,
     "p.yaml:3:29: attestation-keys[0].issuer: no clients: every attestation key is accepted that "
     "this issuer certifies for a client of this policy\n"},
    {"only PCR 7", SERVERS KEYS "pcrs:\n" PCR("7"),
     "p.yaml:5:3: pcrs: without PCR 4, 8, 9 and 11: which boot loader and kernel started is not "
     "looked at\n"
     "p.yaml:5:3: pcrs: not the whole of PCR 0 to 7, which describe the boot together: without 0, "
     "1, 2, 3, 4, 5, 6\n"},
    {"all but PCR 7",
     SERVERS KEYS "pcrs:\n" PCR("0") PCR("1") PCR("2") PCR("3") PCR("4") PCR("5") PCR("6"),
     "p.yaml:5:3: pcrs: without PCR 7: whether Secure Boot is on, and whose keys it takes, is not "
     "looked at\n"},
    {"some", SERVERS KEYS "pcrs:\n" PCR("0") PCR("2") PCR("4") PCR("7"),
     "p.yaml:5:3: pcrs: not the whole of PCR 0 to 7, which describe the boot together: without 1, "
     "3, 5, 6\n"},
    {"zeros and ones",
     SERVERS KEYS "pcrs:\n" FIRMWARE "  - {index: 9, sha256: [" AA64 ", " ZERO64 "]}\n"
                  "  - {index: 17, sha384: [" FF64 FF16 FF16 "]}\n",
     "p.yaml:13:91: pcrs[8].sha256[1]: only zeros: nothing was measured into PCR 9 (files that the "
     "boot loader read: kernel and initrd), and any machine that measures nothing matches\n"
     "p.yaml:14:26: pcrs[9].sha384[0]: only ones: the value of PCR 17 to 22 before any late launch "
     "(DRTM)\n"},
    {"many values",
     SERVERS KEYS
     "pcrs:\n" FIRMWARE "  - index: 9\n    sha256:\n"
     "      - 1" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n      - 2" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n"
     "      - 3" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n      - 4" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n"
     "      - 5" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n      - 6" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n"
     "      - 7" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n      - 8" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n"
     "      - 9" AA16 AA16 AA16 "aaaaaaaaaaaaaaa\n",
     "p.yaml:15:7: pcrs[8].sha256: 9 alternative values: are those of old software still good?\n"},
    {"certificate", SERVERS KEYS "pcrs:\n" FIRMWARE "freshness: certificate\nmax-age: 30d\n",
     "p.yaml:13:12: freshness: certificate: evidence is not bound to the session, and what "
     "happened "
     "to the machine since it was made is not seen\n"},
    {"old certificate", SERVERS KEYS "pcrs:\n" FIRMWARE "freshness: certificate\nmax-age: 31d\n",
     "p.yaml:13:12: freshness: certificate: evidence is not bound to the session, and what "
     "happened "
     "to the machine since it was made is not seen\n"
     "p.yaml:14:10: max-age: longer than 30 days\n"},
    {"verdict of an hour", SERVERS KEYS "pcrs:\n" FIRMWARE "max-age: 1h\n", ""},
    {"verdict of a day", SERVERS KEYS "pcrs:\n" FIRMWARE "max-age: 24h\n",
     "p.yaml:13:10: max-age: a verdict holds for more than 1 hour: what happens to the machine "
     "meanwhile is not seen by connections that are resumed\n"},
    {"renewal", SERVERS KEYS "pcrs:\n" FIRMWARE "renew: 60m\n",
     "p.yaml:13:8: renew: a verdict holds for more than 1 hour: what happens to the machine "
     "meanwhile is not seen by connections that are resumed\n"
     "p.yaml:13:8: renew: only programs of the library renew, and ratls watch beside others: an "
     "unmodified program alone sees the server once for each handshake\n"},
    {"exporter", SERVERS KEYS "pcrs:\n" FIRMWARE "binding: exporter\n",
     "p.yaml:13:10: binding: exporter: only programs of the library ask for such evidence: "
     "unmodified programs, and ratls watch, refuse every server\n"},
    {"another key is denied", SERVERS KEYS "pcrs:\n" FIRMWARE "deny-keys: [000b" ZERO64 "]\n", ""},
    {"a pin is denied",
     "policy: ratls-1\nservers: [a.example]\nattestation-keys: [{issuer: ca.pem, servers: "
     "[a.example]}, {name: 000b" AA64 "}, {name: 000b" ZERO64 "}]\n"
     "pcrs:\n" FIRMWARE "deny-keys: [000b" ZERO64 "]\n",
     "p.yaml:3:145: attestation-keys[2].name: this key is among deny-keys: it is always refused\n"},
    {"software TPMs", SERVERS KEYS "pcrs:\n" FIRMWARE "software-tpm: insecure-allow\n",
     "p.yaml:13:15: software-tpm: insecure-allow: who runs a software TPM can read its keys and "
     "sign anything with them; only for tests\n"},
    {"TLS key in the TPM", SERVERS KEYS "pcrs:\n" FIRMWARE "tls-key: tpm\n", ""},
    {"TLS key in the TPM, in a certificate",
     SERVERS KEYS "pcrs:\n" FIRMWARE "freshness: certificate\nmax-age: 1d\ntls-key: tpm\n",
     "p.yaml:13:12: freshness: certificate: evidence is not bound to the session, and what "
     "happened to the machine since it was made is not seen\n"
     "p.yaml:15:10: tls-key: tpm: with freshness: certificate the proof must be in the "
     "certificate, and ratls cert, which knows keys in files only, makes none with it\n"},
    {"clock", SERVERS KEYS "pcrs:\n" FIRMWARE "clock: ignored\n",
     "p.yaml:13:8: clock: ignored: a TPM whose clock may have gone back is accepted\n"},
};

Test(policy_lint, warnings)
{
    write_issuer();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_error err = {0};

        said[0] = '\0';
        write_text(cases[i].text);
        cr_expect(eq(int, ratls_policy_lint("p.yaml", hear, said, &err), RATLS_OK), "%s: %s",
                  cases[i].name, err.text);
        cr_expect(eq(str, said, (char *)cases[i].warnings), "%s", cases[i].name);
    }
}

Test(policy_lint, a_wrong_policy_is_an_error)
{
    struct ratls_error err = {0};

    said[0] = '\0';
    write_text("policy: ratls-1\n" KEYS "pcrs: []\n");
    cr_expect(eq(int, ratls_policy_lint("p.yaml", hear, said, &err), RATLS_USAGE));
    cr_expect(eq(str, err.text,
                 "p.yaml:3:7: pcrs: an empty list: leave the key out, or say what is "
                 "meant"));
    cr_expect(eq(str, said, ""));
}
