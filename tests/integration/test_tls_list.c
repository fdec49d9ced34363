/* Appraisal of an IMA list that does not fit in the handshake, over sockets. */
#include <pthread.h>

#include <ratls/verifier.h>

#include "list_scene.h"

Test(tls_list, as_many_requests_as_it_takes)
{
    static const unsigned pieces[] = {1, 2, 41};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct scene *s = new_scene(pieces[i] * 20, NULL);

        cut(s, pieces[i]);
        assert_accepted_here(s);
        cr_assert_eq(count_connections(s), pieces[i]);
        cr_assert_eq(s->log->quotes, 1);
        free_scene(s);
    }
}

/* Only what is new: nothing, then an entry, then more than fits. */
Test(tls_list, what_is_known_is_not_asked_for)
{
    struct scene *s = new_scene(ENTRIES, NULL);
    size_t len = s->log->len;

    cut(s, 4);
    assert_accepted_here(s);
    cr_assert_eq(s->log->asked_count, 4);
    assert_accepted_here(s);
    cr_assert_eq(s->log->asked_count, 5);
    cr_assert_eq(asked_from(s, 4), len);
    log_measure(s->log, "/usr/bin/new");
    assert_accepted_here(s);
    assert_accepted_here(s);
    cr_assert_eq(s->log->asked_count, 7);
    cr_assert_eq(asked_from(s, 5), len);
    cr_assert_eq(asked_from(s, 6), s->log->len);
    len = s->log->len;
    log_measure_many(s->log, 2 * ENTRIES);
    assert_accepted_here(s);
    cr_assert_geq(s->log->asked_count, 10);
    cr_assert_eq(asked_from(s, 7), len);
    free_scene(s);
}

/* The prefix of the quote is what counts: what was measured since is for the next time. */
Test(tls_list, list_that_grows)
{
    struct scene *s = new_scene(ENTRIES, NULL);
    size_t len = s->log->len;

    cut(s, 8);
    s->log->grows = true;
    assert_accepted_here(s);
    s->log->grows = false;
    assert_accepted_here(s);
    cr_assert_eq(asked_from(s, s->log->asked_count - 1), len);
    free_scene(s);
}

Test(tls_list, list_of_another_boot)
{
    struct scene *s = new_scene(ENTRIES, NULL);

    cut(s, 2);
    assert_accepted_here(s);
    log_reboot(s->log);
    log_measure_many(s->log, ENTRIES);
    assert_accepted_here(s);
    cr_assert_eq(s->log->asked_count, 4, "the new list is as long");
    assert_accepted_here(s);
    cr_assert_eq(asked_from(s, 4), s->log->len);
    cr_assert_eq(s->log->asked[4].ima_reset_count, s->world->tpm->reset_count);
    free_scene(s);
}

/* What came is kept: the next attempt goes on there, and has less to do. */
Test(tls_list, server_that_stops_answering)
{
    struct scene *s = new_scene(ENTRIES, NULL);

    cut(s, 5);
    s->server->later = TCP_SILENT;
    s->server->later_from = 3;
    ratls_tls_of_context(s->world->client)->sync.each_s = 1;
    cr_assert_not(shake_hands(s));
    cr_assert_eq(ratls_tls_error(s->ssl)->status, RATLS_IO);
    cr_assert_not_null(strstr(ratls_tls_error(s->ssl)->text, "no answer: Connection timed out"));
    cr_assert_eq(s->log->asked_count, 3);
    s->server->later = TCP_SERVE;
    assert_accepted_here(s);
    cr_assert_eq(s->log->asked_count, 5);
    cr_assert_gt(asked_from(s, 3), asked_from(s, 2));
    assert_accepted_here(s);
    cr_assert_eq(s->log->asked_count, 6);
    free_scene(s);
}

Test(tls_list, sync_never)
{
    struct scene *s = new_scene(ENTRIES, NULL);

    cut(s, 2);
    fake_policy_rules(s->world->policy)->ima.syncs = false;
    assert_refused_here(s, "ima.replay", "bytes were not sent");
    cr_assert_eq(count_connections(s), 1);
    free_scene(s);
}

/* A program without a socket: refused with words, until the list was fetched ahead. */
Test(tls_list, fetched_ahead)
{
    struct scene *s = new_scene(ENTRIES, NULL);
    struct tls_pair *pair = tls_pair_new(s->world->client, s->world->server, TLS_NAME);

    cut(s, 2);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(ratls_tls_error(pair->client.ssl)->status, RATLS_USAGE);
    cr_assert_not_null(strstr(pair->client.data, "run `ratls sync` ahead"), "%s",
                       pair->client.data);
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    assert_accepted_here(s);
    pair = tls_pair_new(s->world->client, s->world->server, TLS_NAME);
    assert_accepted(pair);
    tls_pair_free(pair);
    free_scene(s);
}

/* Evidence without a channel: there is nobody to ask for the rest. */
Test(tls_list, appraised_without_a_channel)
{
    struct scene *s = new_scene(ENTRIES, NULL);
    struct ratls_finding finding = {.check = ""};
    struct ratls_expectation expectation;
    struct ratls_report *report = NULL;
    struct ratls_error error = {0};
    const uint8_t *evidence;
    size_t len;

    for (unsigned pieces = 1; pieces <= 2; pieces++) {
        cut(s, pieces);
        ratls_tls_of_context(s->world->client)->begins_anew = true;
        assert_accepted_here(s);
        evidence = ratls_tls_evidence(s->ssl, &len);
        expectation = *ratls_tls_expectation(s->ssl);
        cr_assert_eq(ratls_appraise(s->world->policy, &expectation, evidence, len, &report, &error),
                     pieces == 1 ? RATLS_OK : RATLS_REJECTED, "%s", error.text);
        if (pieces == 2) {
            cr_assert(ratls_report_first_failure(report, &finding));
            cr_assert_str_eq(finding.check, "ima.replay");
            cr_assert_not_null(strstr(finding.actual, "bytes were not sent"));
        }
        ratls_report_free(report);
        report = NULL;
    }
    free_scene(s);
}

static void *shake_hands_often(void *arg)
{
    for (unsigned i = 0; i < 4; i++)
        assert_accepted_here(arg);
    return NULL;
}

static void remove_folder(const char *folder)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[64];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s/" RATLS_LEDGER_FILE "%s", folder, suffixes[i]);
        unlink(path);
    }
    cr_assert_eq(rmdir(folder), 0);
}

/* Each has opened the folder by itself; two keys take turns to speak for one name. */
Test(tls_list, two_clients_on_one_folder)
{
    char folder[] = "/tmp/ratls-test-XXXXXX";
    struct scene *scenes[2];
    pthread_t threads[2];

    cr_assert_not_null(mkdtemp(folder));
    for (size_t i = 0; i < 2; i++) {
        scenes[i] = new_scene(ENTRIES, folder);
        cut(scenes[i], 6);
    }
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, shake_hands_often, scenes[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 2; i++)
        free_scene(scenes[i]);
    remove_folder(folder);
}
