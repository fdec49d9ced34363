/* ratls: attested TLS from the command line. */
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ratls/ratls.h>

#include "command.h"
#include "output.h"

static const char about[] =
    "A server proves with a TPM 2.0, inside the TLS handshake, which software it booted;\n"
    "a client appraises the proof before it sends anything.";

static const struct ratls_command commands[] = {
    {"init", "make the attestation key of this machine", ratls_cmd_init},
    {"cert", "write a key and a certificate that carries evidence", ratls_cmd_cert},
    {"probe", "connect to a server and appraise it", ratls_cmd_probe},
    {"sync", "fetch a server's list ahead of programs", ratls_cmd_sync},
    {"show", "explain a log, a quote, evidence, a certificate, a key or a policy", ratls_cmd_show},
    {"verify", "appraise a certificate or a captured handshake", ratls_cmd_verify},
    {"check", "say whether programs would load ratls with an openssl.cnf", ratls_cmd_check},
    {"exec", "run a program so that it verifies its servers", ratls_cmd_exec},
    {"watch", "appraise a server again and again, beside programs", ratls_cmd_watch},
    {"policy", "write and check policies", ratls_cmd_policy},
    {"roots", "say which makers of TPMs are believed", ratls_cmd_roots},
    {"seal", "sign the states in which attestation keys may be used", ratls_cmd_seal},
    {"ca", "enrol machines: certificates for their attestation keys", ratls_cmd_ca},
    {"enroll", "get a certificate for the attestation key, by a CA's service", ratls_cmd_enroll},
    {NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
    int code;

    /* An OPENSSL_CONF of the environment may load our own provider: this tool does its work itself.
     */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    /* tpm2-tss would print its own log between our lines; who wants it sets the variable. */
    setenv("TSS2_LOG", "all+NONE", 0);
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("ratls %s (%s)\n", ratls_version(), OpenSSL_version(OPENSSL_VERSION));
        code = RATLS_EXIT_OK;
    } else {
        code = ratls_command_run("ratls", about, commands, argc, argv);
    }
    return ratls_out_close(code);
}
