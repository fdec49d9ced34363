/* What the commands of `ratls ca` share. */
#ifndef RATLS_TOOL_CA_COMMAND_H
#define RATLS_TOOL_CA_COMMAND_H

#include "ca.h"
#include "config.h"
#include "options.h"
#include "store.h"
#include "view.h"

int ratls_cmd_ca_approve(int argc, char **argv);
int ratls_cmd_ca_audit(int argc, char **argv);
int ratls_cmd_ca_challenge(int argc, char **argv);
int ratls_cmd_ca_crl(int argc, char **argv);
int ratls_cmd_ca_deny(int argc, char **argv);
int ratls_cmd_ca_init(int argc, char **argv);
int ratls_cmd_ca_issue(int argc, char **argv);
int ratls_cmd_ca_list(int argc, char **argv);
int ratls_cmd_ca_refuse(int argc, char **argv);
int ratls_cmd_ca_replace(int argc, char **argv);
int ratls_cmd_ca_revoke(int argc, char **argv);
int ratls_cmd_ca_rollover(int argc, char **argv);
int ratls_cmd_ca_serve(int argc, char **argv);
int ratls_cmd_ca_show(int argc, char **argv);
int ratls_cmd_ca_token(int argc, char **argv);

/* A command of a CA: its options, and what they open. Begins as ratls_ca_command(). */
struct ratls_ca_command {
    const char *config_path;
    const char *store_url; /* NULL: that of the configuration */
    bool json;
    int64_t now; /* seconds since 1970-01-01 UTC */
    struct ratls_ca_config *config;
    struct ratls_store *store; /* the CA's, if there is one */
    struct ratls_ca *ca;       /* NULL: the store alone is open */
};

/* Rows for the table of options, the first ones. */
#define RATLS_CA_OPTIONS(command)                                                                  \
    {"config", RATLS_OPTION_TEXT, &(command).config_path, "FILE",                                  \
     "configuration of the CA (default " RATLS_CA_CONFIG_DEFAULT ")"},                             \
        {"store", RATLS_OPTION_TEXT, &(command).store_url, "WHERE",                                \
         "folder, or postgresql://..., instead of that of the configuration"},                     \
    {                                                                                              \
        "json", RATLS_OPTION_FLAG, &(command).json, NULL, "print one JSON object"                  \
    }

struct ratls_ca_command ratls_ca_command(void);

/* The configuration alone. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_command_config(struct ratls_ca_command *command,
                                                           struct ratls_error *err);
/* Configuration and store: for what needs no key of the CA. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_command_store(struct ratls_ca_command *command,
                                                          struct ratls_error *err);
/* All of the CA; also behind ratls_ca_command_store(). */
RATLS_MUST_CHECK enum ratls_status ratls_ca_command_open(struct ratls_ca_command *command,
                                                         struct ratls_error *err);
/* Signs a list of what is revoked, by each issuer, and says so. Opens the CA if it must. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_command_publish(struct ratls_ca_command *command,
                                                            struct ratls_error *err);
void ratls_ca_command_done(struct ratls_ca_command *command); /* also if nothing was opened */

/* Who runs this command, for the audit log. */
#define RATLS_CA_WHO_MAX 128
void ratls_ca_command_who(char out[static RATLS_CA_WHO_MAX]);

/* The exit code for what a CA said; a refusal is complained about. */
int ratls_ca_command_code(const struct ratls_ca_answer *answer);
/* Status, reason, detail and ids of what a CA said, as members of a JSON object. */
void ratls_ca_command_view(struct ratls_view *v, const struct ratls_ca_answer *answer);

/* "2026-11-28T02:41:27Z (in 7 days)". */
#define RATLS_CA_WHEN_MAX 64
void ratls_ca_when(int64_t at, int64_t now, char out[static RATLS_CA_WHEN_MAX]);

#endif
