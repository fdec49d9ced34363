/*
 * For tests of long IMA lists: a server on a socket with a list, and a client whose policy wants to
 * see it.
 */
#ifndef RATLS_TEST_LIST_SCENE_H
#define RATLS_TEST_LIST_SCENE_H

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "log_list.h"
#include "tcp_server.h"
#include "tls_assert.h"
#include "tls_internal.h"

#define ENTRIES 200
#define EVIL "/tmp/evil"

static const uint8_t rules_hash[32] = {1, 2, 3};

/* A server with a list, and a client whose policy wants to see it, but for EVIL allows all. */
struct scene {
    struct tls_world *world;
    struct log_list *log;
    struct tcp_server *server;
    struct ratls_refvals *denied;
    struct ratls_refvals *denied_sets[1];
    struct ratls_ledger *ledger;
    SSL *ssl; /* of the last handshake */
};

static inline void ask_for_list(struct scene *s)
{
    struct ratls_rules *rules = fake_policy_rules(s->world->policy);
    char hex[2 * 32 + 1];
    char text[sizeof hex + sizeof EVIL + 2];
    uint8_t digest[32];

    fake_digest(RATLS_ALG_SHA256, ratls_slice(EVIL, strlen(EVIL)), digest);
    ratls_hex(ratls_slice(digest, sizeof digest), hex, sizeof hex);
    snprintf(text, sizeof text, "%s  %s\n", hex, EVIL);
    cr_assert_eq(ratls_refvals_parse("denied", ratls_slice(text, strlen(text)), &s->denied, NULL),
                 RATLS_OK);
    s->denied_sets[0] = s->denied;
    rules->selection.banks[0].pcrs = 0x7ff;
    rules->ima.is_asked = rules->ima.syncs = true;
    rules->ima.bank = RATLS_ALG_SHA256;
    rules->ima.deny = (struct ratls_references){.sets = s->denied_sets, .count = 1};
    memcpy(rules->ima.sha256, rules_hash, sizeof rules_hash);
    rules->ledger = s->ledger;
}

static inline struct scene *new_scene(size_t entries, const char *folder)
{
    struct scene *s = calloc(1, sizeof *s);

    cr_assert_not_null(s);
    s->world = tls_world_new();
    s->log = log_list_new(s->world->tpm);
    log_measure_many(s->log, entries);
    s->world->tamper = log_tamper;
    s->world->tamper_arg = s->log;
    s->server = tcp_server_new(s->world->server, AF_INET);
    cr_assert_eq(ratls_ledger_new(folder, &s->ledger, NULL), RATLS_OK);
    ask_for_list(s);
    return s;
}

static inline void end_handshake(struct scene *s)
{
    if (s->ssl == NULL)
        return;
    close(SSL_get_fd(s->ssl));
    SSL_free(s->ssl);
    s->ssl = NULL;
}

static inline void free_scene(struct scene *s)
{
    struct ratls_rules *rules = fake_policy_rules(s->world->policy);

    rules->ima.deny = (struct ratls_references){.count = 0};
    rules->ledger = NULL;
    end_handshake(s);
    tcp_server_free(s->server);
    ratls_ledger_free(s->ledger);
    ratls_refvals_free(s->denied);
    log_list_free(s->log);
    tls_world_free(s->world);
    free(s);
}

/* True if it was accepted; the SSL stays until the next one. */
static inline bool shake_hands(struct scene *s)
{
    bool is_connected;

    end_handshake(s);
    s->ssl = SSL_new(s->world->client);
    cr_assert(SSL_set_fd(s->ssl, tcp_server_connect(s->server)) && tls_set_sni(s->ssl, TLS_NAME) &&
              SSL_set1_host(s->ssl, TLS_NAME));
    is_connected = SSL_connect(s->ssl) == 1;
    cr_assert(!is_connected || ERR_peek_error() == 0);
    ERR_clear_error();
    return is_connected && ratls_report_accepted(ratls_tls_report(s->ssl));
}

static inline void assert_accepted_here(struct scene *s)
{
    struct ratls_finding finding = {.check = ""};
    bool is_accepted = shake_hands(s);
    const struct ratls_error *error = ratls_tls_error(s->ssl);

    ratls_report_first_failure(ratls_tls_report(s->ssl), &finding);
    cr_assert(is_accepted, "%s %s: expected %s, got %s", error == NULL ? "" : error->text,
              finding.check, finding.expected, finding.actual);
}

static inline void assert_refused_here(struct scene *s, const char *check, const char *words)
{
    struct ratls_finding finding = {.check = "", .actual = ""};

    cr_assert_not(shake_hands(s));
    ratls_report_first_failure(ratls_tls_report(s->ssl), &finding);
    cr_assert_str_eq(finding.check, check);
    cr_assert_not_null(strstr(finding.actual, words), "%s", finding.actual);
}

static inline unsigned count_connections(const struct scene *s)
{
    return atomic_load(&s->server->count);
}

/* What the server was asked in the first request of this handshake. */
static inline uint64_t asked_from(const struct scene *s, unsigned request)
{
    cr_assert_lt(request, s->log->asked_count);
    return s->log->asked[request].ima_offset;
}

/* So that the list comes in this many pieces; boot_aggregate is 7 bytes shorter than the others. */
static inline void cut(struct scene *s, size_t pieces)
{
    size_t entry_len = (s->log->len + 7 + s->log->entries - 1) / s->log->entries;

    s->log->piece_max = (s->log->entries + pieces - 1) / pieces * entry_len;
}

#endif
