/* ratls ca: who is enrolled, and certificates for their attestation keys. */
#include "ca_command.h"
#include "command.h"
#include "enroll_command.h"

static const struct ratls_command commands[] = {
    {"init", "make key, certificate and store of a CA", ratls_cmd_ca_init},
    {"request", "on a server: ask for a certificate of its attestation key", ratls_cmd_ca_request},
    {"challenge", "at the CA: from the request to the challenge for its TPM",
     ratls_cmd_ca_challenge},
    {"answer", "on a server: open the challenge of the CA", ratls_cmd_ca_answer},
    {"issue", "at the CA: from the answer to the certificate", ratls_cmd_ca_issue},
    {"install", "on a server: take over the certificate", ratls_cmd_ca_install},
    {"serve", "at the CA: do both over HTTP", ratls_cmd_ca_serve},
    {"list", "what was issued, and who waits", ratls_cmd_ca_list},
    {"show", "all that is known of a certificate or a request", ratls_cmd_ca_show},
    {"approve", "let a request go on that waits", ratls_cmd_ca_approve},
    {"refuse", "refuse a request that waits", ratls_cmd_ca_refuse},
    {"revoke", "revoke certificates, and publish that", ratls_cmd_ca_revoke},
    {"replace", "let another machine have a name", ratls_cmd_ca_replace},
    {"audit", "what the CA did", ratls_cmd_ca_audit},
    {"crl", "sign a list of what is revoked", ratls_cmd_ca_crl},
    {"deny", "deny certificates to keys, firmware or models", ratls_cmd_ca_deny},
    {"rollover", "make a new issuer beside the old one", ratls_cmd_ca_rollover},
    {"token", "make a token, for a machine that is not known yet", ratls_cmd_ca_token},
    {NULL, NULL, NULL},
};

int ratls_cmd_ca(int argc, char **argv)
{
    return ratls_command_run("ratls ca",
                             "A CA certifies attestation keys: that a key lies in a maker's TPM,\n"
                             "and that this TPM may speak for a name. By files, or as a service.",
                             commands, argc, argv);
}
