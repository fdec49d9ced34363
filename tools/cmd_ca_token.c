/* ratls ca token: what lets one machine in, whose endorsement key is not known yet. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_command.h"
#include "ca_names.h"
#include "command.h"
#include "crypto.h"
#include "describe.h"
#include "enroll_token.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"

#define LIFETIME_DEFAULT_S 86400
#define LIFETIME_MAX_S (365 * 86400)
#define USES_MAX 1000000
#define TOKEN_MODE 0600
#define ROW_MAX 512

struct arguments {
    struct ratls_ca_command command;
    const char *names, *ek, *revoked, *note, *out_path;
    unsigned uses, lifetime_s;
    bool lists;
    bool replaces;
};

/* ---- make ---- */

/* Each for one machine, and within what the CA issues for. */
static enum ratls_status check_names(const struct ratls_ca_config *config,
                                     const struct ratls_ca_names *names, struct ratls_error *err)
{
    for (size_t i = 0; i < names->all.count; i++) {
        if (names->texts[i][0] == '*')
            return ratls_fail(err, RATLS_USAGE,
                              "--names: %s: a token is for machines, each by its name: no *",
                              names->texts[i]);
        if (!ratls_ca_name_fits(config->names, config->name_count, names->all.p[i]))
            return ratls_fail(err, RATLS_USAGE,
                              "--names: %s is outside of names in the configuration, for which "
                              "this CA issues certificates",
                              names->texts[i]);
    }
    return RATLS_OK;
}

/* "" for none: then it is for any. */
static enum ratls_status read_names(const struct arguments *a, char **ret_names,
                                    struct ratls_error *err)
{
    char *text = strdup(a->names == NULL ? "" : a->names), *rest = NULL;
    const char *words[RATLS_STORE_NAMES_MAX + 1];
    struct ratls_ca_names *names = NULL;
    enum ratls_status status = RATLS_OK;
    size_t count = 0;

    if (text == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (char *word = strtok_r(text, ", ", &rest); word != NULL && count <= RATLS_STORE_NAMES_MAX;
         word = strtok_r(NULL, ", ", &rest))
        words[count++] = word;
    if (a->names != NULL)
        status = ratls_ca_names_read(words, count, &names, err);
    if (status == RATLS_OK && names != NULL)
        status = check_names(a->command.config, names, err);
    if (status == RATLS_OK) {
        *ret_names = strdup(names == NULL ? "" : names->joined);
        status = *ret_names == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
    }
    free(names);
    free(text);
    return status;
}

static enum ratls_status fill(const struct arguments *a, struct ratls_store_token *token,
                              char text[static RATLS_ENROLL_TOKEN_TEXT_LEN + 1],
                              struct ratls_error *err)
{
    uint8_t bytes[RATLS_ENROLL_TOKEN_LEN];
    enum ratls_status status = ratls_random(bytes, sizeof bytes, err);

    if (status != RATLS_OK)
        return status;
    ratls_enroll_token_write(bytes, text);
    memcpy(token->id, bytes, sizeof token->id);
    OPENSSL_cleanse(bytes, sizeof bytes);
    status = ratls_sha256(ratls_slice(text, RATLS_ENROLL_TOKEN_TEXT_LEN), token->key, err);
    token->uses_left = a->uses;
    token->expires = a->command.now + a->lifetime_s;
    token->has_ek = a->ek != NULL;
    if (status == RATLS_OK && a->ek != NULL &&
        !ratls_unhex(a->ek, token->ek_sha256, sizeof token->ek_sha256))
        status = ratls_fail(err, RATLS_USAGE,
                            "--ek: the SHA-256 of an endorsement key is wanted, 64 hex digits");
    return status;
}

/* The text itself goes to stdout, or into a file, and nowhere else: the store has its hash. */
static enum ratls_status hand_over(const struct arguments *a, const struct ratls_store_token *token,
                                   const char *text, struct ratls_error *err)
{
    char line[RATLS_ENROLL_TOKEN_TEXT_LEN + 2], until[RATLS_TIME_TEXT_MAX];
    const int len = snprintf(line, sizeof line, "%s\n", text);
    enum ratls_status status = RATLS_OK;
    struct ratls_view v;

    ratls_time_text(token->expires, until);
    if (a->out_path != NULL)
        status = ratls_file_write(a->out_path, ratls_slice(line, (size_t)len), TOKEN_MODE,
                                  a->replaces, err);
    if (status == RATLS_OK && a->command.json) {
        ratls_view_begin(&v, stdout, true, NULL);
        ratls_view_text(&v, "type", NULL, "token");
        if (a->out_path == NULL)
            ratls_view_text(&v, "token", NULL, text);
        ratls_view_hex(&v, "id", NULL, ratls_slice(token->id, sizeof token->id));
        ratls_view_text(&v, "names", NULL, token->names);
        ratls_view_uint(&v, "uses", NULL, (uint64_t)token->uses_left, NULL);
        ratls_view_text(&v, "expires", NULL, until);
        ratls_view_end(&v);
    } else if (status == RATLS_OK && a->out_path == NULL) {
        fputs(line, stdout);
    }
    if (status == RATLS_OK && !a->command.json)
        fprintf(stderr,
                "For %s%s, %" PRId64 " use%s, until %s. It is %s%s. On the machine:\n"
                "'ratls enroll --token-file FILE URL NAME'\n",
                token->names[0] == '\0' ? "any name of this CA" : token->names,
                token->has_ek ? ", of one endorsement key" : "", token->uses_left,
                token->uses_left == 1 ? "" : "s", until,
                a->out_path == NULL ? "shown this once" : "in ",
                a->out_path == NULL ? "" : a->out_path);
    OPENSSL_cleanse(line, sizeof line);
    return status;
}

static enum ratls_status make(const struct arguments *a, struct ratls_error *err)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    char text[RATLS_ENROLL_TOKEN_TEXT_LEN + 1] = "";
    struct ratls_store_token token = {.note = strdup(a->note == NULL ? "" : a->note)};
    enum ratls_status status = RATLS_OK;

    if (token.note == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!a->command.config->tokens)
        status =
            ratls_fail(err, RATLS_USAGE, "%s: approval: {tokens: refuse}: no token would be taken",
                       a->command.config_path);
    if (status == RATLS_OK && a->out_path != NULL)
        status = ratls_file_may_write(a->out_path, a->replaces, err);
    if (status == RATLS_OK)
        status = read_names(a, &token.names, err);
    if (status == RATLS_OK)
        status = fill(a, &token, text, err);
    if (status == RATLS_OK)
        status = ratls_store_add_token(a->command.store, &token, a->command.now, &outcome, err);
    if (status == RATLS_OK && outcome != RATLS_STORE_DONE)
        status = ratls_fail(err, RATLS_IO, "a token of this id is there: try again");
    if (status == RATLS_OK)
        status = hand_over(a, &token, text, err);
    OPENSSL_cleanse(text, sizeof text);
    ratls_store_token_done(&token);
    return status;
}

/* ---- list and revoke ---- */

struct listing {
    struct ratls_view v;
    int64_t now;
    size_t count;
};

static const char *state_of(const struct ratls_store_token *token, int64_t now)
{
    if (token->uses_left == 0)
        return "used up";
    return token->expires <= now ? "expired" : "valid";
}

static bool show_token(void *arg, const struct ratls_store_token *token)
{
    struct listing *listing = arg;
    struct ratls_view *v = &listing->v;
    char id[2 * RATLS_STORE_TOKEN_ID_LEN + 1], until[RATLS_TIME_TEXT_MAX], row[ROW_MAX];
    const char *names = token->names[0] == '\0' ? "(any name)" : token->names;

    ratls_hex(ratls_slice(token->id, sizeof token->id), id, sizeof id);
    ratls_time_text(token->expires, until);
    listing->count++;
    (void)snprintf(row, sizeof row, "%s  %-7s  %6" PRId64 " left  until %s  %s%s%s%s", id,
                   state_of(token, listing->now), token->uses_left, until, names,
                   token->note[0] == '\0' ? "" : "  (", token->note,
                   token->note[0] == '\0' ? "" : ")");
    if (!v->json) {
        ratls_view_row(v, row);
        return true;
    }
    ratls_view_section(v, NULL, NULL);
    ratls_view_text(v, "id", NULL, id);
    ratls_view_text(v, "state", NULL, state_of(token, listing->now));
    ratls_view_uint(v, "usesLeft", NULL, (uint64_t)token->uses_left, NULL);
    ratls_view_text(v, "expires", NULL, until);
    ratls_view_text(v, "names", NULL, token->names);
    if (token->has_ek)
        ratls_view_hex(v, "ek", NULL, ratls_slice(token->ek_sha256, sizeof token->ek_sha256));
    ratls_view_text(v, "note", NULL, token->note);
    ratls_view_section_end(v);
    return true;
}

static enum ratls_status list(const struct arguments *a, struct ratls_error *err)
{
    struct listing listing = {.now = a->command.now};
    enum ratls_status status;

    ratls_view_begin(&listing.v, stdout, a->command.json, NULL);
    ratls_view_text(&listing.v, "type", NULL, "tokens");
    ratls_view_list(&listing.v, "tokens");
    status = ratls_store_each_token(a->command.store, show_token, &listing, err);
    ratls_view_list_end(&listing.v);
    ratls_view_end(&listing.v);
    if (status == RATLS_OK && listing.count == 0 && !a->command.json)
        printf("no tokens\n");
    return status;
}

static enum ratls_status revoke_token(const struct arguments *a, struct ratls_error *err)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    uint8_t id[RATLS_STORE_TOKEN_ID_LEN];
    enum ratls_status status;

    if (!ratls_unhex(a->revoked, id, sizeof id))
        return ratls_fail(err, RATLS_USAGE,
                          "--revoke: the id of a token is wanted, 16 hex digits, as --list shows "
                          "it");
    status = ratls_store_revoke_token(a->command.store, id, a->command.now, &outcome, err);
    if (status == RATLS_OK && outcome == RATLS_STORE_UNKNOWN)
        return ratls_fail(err, RATLS_REJECTED, "%s: there is no such token", a->revoked);
    if (status == RATLS_OK)
        printf("%s %s\n", a->revoked,
               outcome == RATLS_STORE_DONE ? "is revoked" : "was used up or revoked already");
    return status;
}

int ratls_cmd_ca_token(int argc, char **argv)
{
    struct arguments a = {
        .command = ratls_ca_command(), .uses = 1, .lifetime_s = LIFETIME_DEFAULT_S};
    const struct ratls_option rows[] = {
        RATLS_CA_OPTIONS(a.command),
        {"names", RATLS_OPTION_TEXT, &a.names, "A,B",
         "names that it is for (default: all that the CA issues for)"},
        {"ek", RATLS_OPTION_TEXT, &a.ek, "SHA256", "the endorsement key that it is for"},
        {"uses", RATLS_OPTION_UINT, &a.uses, "N", "how many certificates (default 1)"},
        {"lifetime", RATLS_OPTION_DURATION, &a.lifetime_s, "TIME", "30m, 24h, 7d (default 24h)"},
        {"note", RATLS_OPTION_TEXT, &a.note, "TEXT", "shown by --list"},
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE",
         "write it there, for its owner alone, and not to stdout"},
        {"force", RATLS_OPTION_FLAG, &a.replaces, NULL, "replace a file that exists"},
        {"list", RATLS_OPTION_FLAG, &a.lists, NULL, "list the tokens; their texts are not kept"},
        {"revoke", RATLS_OPTION_TEXT, &a.revoked, "ID", "end a token"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Makes a token: who has it may have a certificate for these names, once or\n"
                 "--uses times. It is worth as much as the names. A name that is enrolled for\n"
                 "another TPM stays with that, whatever the token says.",
        .example = "  ratls ca token --names www.bank.example --out www.token\n"
                   "  ratls ca token --list",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (a.uses > USES_MAX || a.lifetime_s > LIFETIME_MAX_S)
        return ratls_usage("at most %d uses, and 365 days", USES_MAX);
    status = ratls_ca_command_store(&a.command, &err);
    if (status == RATLS_OK)
        status = a.lists             ? list(&a, &err)
                 : a.revoked != NULL ? revoke_token(&a, &err)
                                     : make(&a, &err);
    ratls_ca_command_done(&a.command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
