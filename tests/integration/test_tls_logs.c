/* Which logs a client asks for: what its policy reads, from where the ledger knows them. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger.h"
#include "log_list.h"
#include "tls_assert.h"
#include "tls_internal.h"

static const uint8_t rules_hash[32] = {7, 7, 7};

/* A world whose policy has `boot` and `ima`; what the appraisal then says is of no interest. */
static struct tls_world *new_world(void)
{
    struct tls_world *world = tls_world_new();
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    rules->boot.is_asked = rules->ima.is_asked = true;
    rules->boot.bank = RATLS_ALG_SHA384;
    rules->ima.bank = RATLS_ALG_SHA256;
    memcpy(rules->ima.sha256, rules_hash, sizeof rules_hash);
    return world;
}

static struct ratls_ledger *new_ledger(struct tls_world *world, const char *folder)
{
    struct ratls_ledger *ledger = NULL;
    struct ratls_error error = {0};

    cr_assert_eq(ratls_ledger_new(folder, &ledger, &error), RATLS_OK, "%s", error.text);
    fake_policy_rules(world->policy)->ledger = ledger;
    return ledger;
}

/* 1000 bytes acknowledged, and 24 pending. */
static void put_row(struct tls_world *world, struct ratls_ledger *ledger, const uint8_t *rules)
{
    struct ratls_ledger_row row = {.reset_count = 5, .restart_count = 6, .boot_aggregate_alg = 11};
    const uint8_t pending[24] = {0};

    cr_assert_eq(
        ratls_ima_state_init(RATLS_ALG_SHA256, RATLS_ALG_SHA256, RATLS_IMA_NATIVE, &row.ima, NULL),
        RATLS_OK);
    row.ima.offset = 1000;
    row.ima.entries = 10;
    row.ak_name_len = fake_tpm_name(world->tpm, row.ak_name);
    memcpy(row.rules_sha256, rules, sizeof row.rules_sha256);
    cr_assert_eq(ratls_ledger_put(ledger, TLS_NAME, &row, NULL), RATLS_OK);
    cr_assert_eq(
        ratls_ledger_append(ledger, TLS_NAME, &row, ratls_slice(pending, sizeof pending), NULL),
        RATLS_OK);
}

/* What a client of this world asks its server. */
static struct ratls_log_request ask(struct tls_world *world, SSL_CTX *client)
{
    struct tls_pair *pair = tls_pair_new(client, world->server, TLS_NAME);

    tls_pair_handshake(pair);
    cr_assert_eq(world->attested, 1, "%s", pair->client.data);
    tls_pair_free(pair);
    return world->asked.logs;
}

Test(tls_logs, what_the_policy_reads)
{
    struct tls_world *world = new_world();
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    for (unsigned i = 0; i < 4; i++) {
        struct ratls_log_request logs;

        rules->boot.is_asked = (i & 1) != 0;
        rules->ima.is_asked = (i & 2) != 0;
        world->attested = 0;
        logs = ask(world, world->client);
        cr_assert_eq(logs.boot_bank, rules->boot.is_asked ? RATLS_ALG_SHA384 : 0);
        cr_assert_eq(logs.ima_bank, rules->ima.is_asked ? RATLS_ALG_SHA256 : 0);
        cr_assert_eq(logs.ima_offset, 0);
    }
    tls_world_free(world);
}

static void assert_known(struct tls_world *world, const struct ratls_log_request *logs)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t id[32];

    fake_digest(RATLS_ALG_SHA256, ratls_slice(name, fake_tpm_name(world->tpm, name)), id);
    cr_assert_eq(logs->ima_offset, 1024, "acknowledged and pending");
    cr_assert_eq(logs->ima_reset_count, 5);
    cr_assert_eq(logs->ima_restart_count, 6);
    cr_assert_arr_eq(logs->ima_key_id, id, RATLS_KEY_ID_LEN);
}

Test(tls_logs, from_where_it_is_known)
{
    struct tls_world *world = new_world();
    struct ratls_ledger *ledger = new_ledger(world, NULL);
    struct ratls_log_request logs;

    put_row(world, ledger, rules_hash);
    logs = ask(world, world->client);
    assert_known(world, &logs);
    ratls_ledger_free(ledger);
    tls_world_free(world);
}

/* A HelloRetryRequest: the server takes it for another request if a byte differs. */
Test(tls_logs, the_same_in_both_hellos)
{
    struct tls_world *world = new_world();
    struct ratls_ledger *ledger = new_ledger(world, NULL);
    struct ratls_log_request logs;

    put_row(world, ledger, rules_hash);
    cr_assert(SSL_CTX_set1_groups_list(world->server, "P-521"));
    logs = ask(world, world->client);
    assert_known(world, &logs);
    ratls_ledger_free(ledger);
    tls_world_free(world);
}

/* Under other rules, and for who wants all of it (ratls probe --save). */
Test(tls_logs, from_the_begin)
{
    static const uint8_t other_hash[32] = {8};

    for (int begins_anew = 0; begins_anew < 2; begins_anew++) {
        struct tls_world *world = new_world();
        struct ratls_ledger *ledger = new_ledger(world, NULL);

        put_row(world, ledger, begins_anew ? rules_hash : other_hash);
        ratls_tls_of_context(world->client)->begins_anew = begins_anew;
        cr_assert_eq(ask(world, world->client).ima_offset, 0);
        ratls_ledger_free(ledger);
        tls_world_free(world);
    }
}

/* Nothing is sent: that a state folder is broken must be heard of. */
Test(tls_logs, ledger_that_cannot_be_read)
{
    struct tls_world *world = new_world();
    char folder[] = "/tmp/ratls-test-XXXXXX";
    char path[64];
    struct ratls_ledger *ledger;
    struct tls_pair *pair;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/" RATLS_LEDGER_FILE, folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    ledger = new_ledger(world, folder);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    assert_not_begun(pair, RATLS_IO, RATLS_LEDGER_FILE);
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    ratls_ledger_free(ledger);
    rmdir(path);
    rmdir(folder);
    tls_world_free(world);
}

/* A server judges without `ima`, and keeps no counters: it may share the folder with its key. */
Test(tls_logs, ledger_that_is_not_needed)
{
    struct tls_world *world = tls_world_new();
    char folder[] = "/tmp/ratls-test-XXXXXX";
    struct ratls_ledger *ledger;
    struct tls_pair *pair;

    cr_assert_not_null(mkdtemp(folder));
    ledger = new_ledger(world, folder);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    assert_accepted(pair);
    tls_pair_free(pair);
    ratls_ledger_free(ledger);
    cr_assert_eq(rmdir(folder), 0, "it is not empty");
    tls_world_free(world);
}
