/*
 * Lists that do not fit in the evidence: more of them is fetched, from whoever answers, until the
 * quoted PCR 10 is found, and kept for the next time if it is not.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scene_ima.h"

#define ENTRIES 60
#define SLICE 10 /* entries that fit in the evidence */

enum trick {
    HONEST,
    FAILS,         /* the connection does */
    EMPTY,         /* no entries */
    SAME_AGAIN,    /* from where the last one began */
    SKIPS,         /* an entry */
    OTHER_ALG,     /* a list of another bank */
    WITH_QUOTE,    /* not logs alone */
    NO_EVIDENCE,   /* bytes that are none */
    NO_LIST,       /* an entry that is none */
    OTHER_ENTRIES, /* well formed, and of another machine */
    PROMISES,      /* ever more, one entry at a time */
};

/* A server's answers to requests for logs alone: some entries at a time. */
struct source {
    struct ratls_more more;
    struct scene *scene;
    struct fake_ima other;
    enum trick trick;
    size_t step; /* entries in an answer */
    size_t calls;
    size_t fails_after; /* calls */
    uint64_t last_offset;
    size_t len;
    uint8_t answer[RATLS_EVIDENCE_MAX];
};

static size_t find_entry(const struct fake_ima *list, uint64_t offset)
{
    size_t i = 0;

    while (i < list->count && (i == 0 ? 0 : list->ends[i - 1]) != offset)
        i++;
    return i;
}

static void fill_slice(struct source *s, uint64_t offset, struct ratls_ima_slice *slice)
{
    const struct fake_ima *list = s->trick == OTHER_ENTRIES ? &s->other : &s->scene->ima->list;
    size_t first = find_entry(list, offset);
    size_t end = first + s->step < list->count ? first + s->step : list->count;
    size_t stop;

    *slice =
        (struct ratls_ima_slice){.list_alg = list->list_alg, .offset = offset, .total = list->len};
    if (s->trick == SKIPS && first + 1 < list->count)
        slice->offset = list->ends[first];
    if (s->trick == SAME_AGAIN)
        slice->offset = 0;
    if (s->trick == OTHER_ALG)
        slice->list_alg = RATLS_ALG_SHA256;
    if (s->trick == PROMISES)
        slice->total = RATLS_IMA_LIST_MAX;
    stop = end == 0 ? 0 : list->ends[end - 1];
    if (s->trick != EMPTY && stop > slice->offset)
        slice->entries = ratls_slice(list->bytes + slice->offset, stop - (size_t)slice->offset);
}

static enum ratls_status fetch(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct source *s = (struct source *)self;
    struct ratls_evidence evidence = {.has_ima = true};
    struct ratls_writer w = ratls_writer(s->answer, sizeof s->answer);

    cr_assert_eq(request->boot_bank, 0);
    cr_assert_eq(request->ima_bank, RATLS_ALG_SHA256);
    s->last_offset = request->ima_offset;
    if (s->calls++ == s->fails_after || s->trick == FAILS) {
        *err = (struct ratls_error){.status = RATLS_IO, .text = "the server hung up"};
        return RATLS_IO;
    }
    fill_slice(s, request->ima_offset, &evidence.ima);
    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    if (s->trick == NO_EVIDENCE)
        s->answer[0] ^= 0xff;
    if (s->trick == NO_LIST)
        s->answer[w.len - 3] ^= 0xff; /* in the name of the last file */
    if (s->trick == WITH_QUOTE) {
        struct fake_draft *draft = scene_attest(s->scene, NULL, NULL);

        memcpy(s->answer, draft->wire, draft->wire_len);
        w.len = draft->wire_len;
        free(draft);
    }
    *ret_evidence = ratls_slice(s->answer, w.len);
    return RATLS_OK;
}

static void open_scene(struct scene *scene, struct source *source)
{
    struct fake_ima *list;

    scene_open(scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(scene);
    list = &scene_ima(scene)->list;
    *source = (struct source){
        .more = {fetch}, .scene = scene, .step = 7, .fails_after = SIZE_MAX, .other = *list};
    while (list->count < ENTRIES)
        fake_ima_file(list, "/usr/bin/ls", FILL_LS);
    fake_ima_install(list, scene->tpm);
    while (source->other.count < ENTRIES)
        fake_ima_file(&source->other, "/usr/bin/xx", FILL_LS);
    scene->ima->more = &source->more;
}

/* The evidence has room for some entries only. */
static void cut(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    const struct fake_ima *list = arg;
    struct ratls_ima_slice *slice = &draft->evidence.ima;
    size_t end;

    if (stage != FAKE_SIGNED)
        return;
    end = find_entry(list, slice->offset) + SLICE;
    if (end < list->count)
        slice->entries.len = list->ends[end - 1] - (size_t)slice->offset;
}

static enum ratls_status try(struct scene *scene, struct ratls_report **ret_report)
{
    struct fake_draft *draft = scene_attest(scene, cut, &scene->ima->list);
    struct ratls_submission submission = {.expectation = &scene->expectation,
                                          .tls_version = scene->expectation.tls_version,
                                          .present = true,
                                          .evidence = ratls_slice(draft->wire, draft->wire_len)};
    struct ratls_report *report = ratls_report_new();
    struct ratls_error err = {0};
    enum ratls_status status;

    cr_assert_not_null(report);
    scene_ima_submission(scene, &submission);
    status = ratls_appraise_submission(scene->rules, &submission, report, &err);
    free(draft);
    if (ret_report != NULL)
        *ret_report = report;
    else
        ratls_report_free(report);
    return status;
}

/* As a client does before it asks again. */
static bool know_what_was_kept(struct scene *scene)
{
    cr_assert_eq(ratls_ledger_find(scene->rules->ledger, SCENE_SERVER, scene->rules->ima.sha256,
                                   &scene->ima->known, &scene->ima->has_known, NULL),
                 RATLS_OK);
    return scene->ima->has_known;
}

Test(ima_more, what_does_not_fit_is_fetched)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect_eq(source.calls, 8, "%zu", source.calls); /* 50 entries, 7 at a time */
    cr_assert(know_what_was_kept(&scene));
    cr_expect_eq(scene.ima->known.ima.entries, ENTRIES);
    cr_expect_eq(scene.ima->known.pending_len, 0);
    source.calls = 0;
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect_eq(source.calls, 0, "nothing is new");
    scene_close(&scene);
}

/* The kernel goes on measuring: fetching ends where PCR 10 is found. */
Test(ima_more, no_more_than_is_needed)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    for (int i = 0; i < 100; i++)
        fake_ima_file(&scene.ima->list, "/opt/x", FILL_UNKNOWN);
    fake_ima_show(&scene.ima->list, scene.tpm);
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect_eq(source.calls, 8, "%zu", source.calls);
    scene_close(&scene);
}

Test(ima_more, also_where_the_mode_is_not_known)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    scene_ima_begin(&scene, RATLS_ALG_SHA1, RATLS_IMA_PADDED);
    while (scene.ima->list.count < ENTRIES)
        fake_ima_file(&scene.ima->list, "/usr/bin/ls", FILL_LS);
    fake_ima_install(&scene.ima->list, scene.tpm);
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect(know_what_was_kept(&scene));
    cr_expect_eq(scene.ima->known.ima.mode, RATLS_IMA_PADDED);
    scene_close(&scene);
}

/* An evil entry in what was fetched is seen as any other. */
Test(ima_more, what_is_fetched_is_judged)
{
    struct scene scene;
    struct source source;
    struct ratls_report *report = NULL;
    struct ratls_finding finding;

    open_scene(&scene, &source);
    fake_ima_file(&scene.ima->list, "/opt/x", FILL_UNKNOWN);
    fake_ima_install(&scene.ima->list, scene.tpm);
    cr_expect_eq(try(&scene, &report), RATLS_REJECTED);
    cr_assert(ratls_report_first_failure(report, &finding));
    cr_expect_str_eq(finding.check, "ima.allow");
    cr_expect_str_eq(finding.at, "ima-list[61]");
    ratls_report_free(report);
    scene_close(&scene);
}

/* A sync that is interrupted goes on where it was, in another process too. */
Test(ima_more, an_interrupted_sync_goes_on)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    source.fails_after = 3;
    cr_expect_eq(try(&scene, NULL), RATLS_IO);
    cr_assert(know_what_was_kept(&scene));
    cr_expect_eq(scene.ima->known.ima.entries, 0);
    cr_expect_eq(scene.ima->known.pending_len, scene.ima->list.ends[SLICE + 3 * 7 - 1]);
    source.calls = 0;
    source.fails_after = SIZE_MAX;
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect_eq(source.calls, 3, "%zu", source.calls); /* 31 are there, and 10 in the evidence */
    cr_assert(know_what_was_kept(&scene));
    cr_expect_eq(scene.ima->known.ima.entries, ENTRIES);
    scene_close(&scene);
}

/* Without a way to ask again each connection comes further by what fits. */
Test(ima_more, without_a_way_to_ask)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    scene.rules->ima.syncs = false;
    for (int i = 1; i < ENTRIES / SLICE; i++) {
        cr_expect_eq(try(&scene, NULL), RATLS_REJECTED);
        cr_assert(know_what_was_kept(&scene));
        cr_expect_eq(scene.ima->known.pending_len, scene.ima->list.ends[i * SLICE - 1]);
    }
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect_eq(source.calls, 0);
    scene_close(&scene);
}

/* Who is refused anyway is not asked. */
Test(ima_more, nothing_is_asked_of_who_is_refused)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    fake_tpm_pcr(scene.tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    cr_expect_eq(try(&scene, NULL), RATLS_REJECTED);
    cr_expect_eq(source.calls, 0);
    scene_close(&scene);
}

static void expect_refused(enum trick trick, const char *check, bool is_kept)
{
    struct scene scene;
    struct source source;
    struct ratls_report *report = NULL;
    struct ratls_finding finding;

    open_scene(&scene, &source);
    source.trick = trick;
    cr_expect_eq(try(&scene, &report), RATLS_REJECTED, "trick %d", (int)trick);
    cr_assert(ratls_report_first_failure(report, &finding));
    cr_expect_str_eq(finding.check, check, "trick %d: %s", (int)trick, finding.actual);
    cr_expect_leq(source.calls, 1024);
    ratls_report_free(report);
    cr_expect_eq(know_what_was_kept(&scene), is_kept, "trick %d", (int)trick);
    /* Whatever that was: it does not keep the honest server from being accepted. */
    source.trick = HONEST;
    cr_expect_eq(try(&scene, NULL), RATLS_OK, "after trick %d", (int)trick);
    scene_close(&scene);
}

Test(ima_more, answers_that_lead_nowhere)
{
    expect_refused(EMPTY, "ima.replay", false);
    expect_refused(SAME_AGAIN, "ima.replay", false);
    expect_refused(SKIPS, "ima.replay", false);
    expect_refused(OTHER_ALG, "ima.replay", false);
    expect_refused(WITH_QUOTE, "ima.replay", false);
    expect_refused(NO_EVIDENCE, "ima.replay", false);
    expect_refused(NO_LIST, "ima.entry", false);
    expect_refused(OTHER_ENTRIES, "ima.replay", false);
}

/* The list that was quoted has an entry that nobody shows: ever more does not help. */
Test(ima_more, promises)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    fake_tpm_pcr(scene.tpm, RATLS_ALG_SHA256, RATLS_IMA_PCR)[0] ^= 1;
    source.trick = PROMISES;
    source.step = 1;
    cr_expect_eq(try(&scene, NULL), RATLS_REJECTED);
    cr_expect_eq(source.calls, ENTRIES - SLICE + 1, "%zu", source.calls);
    cr_expect_not(know_what_was_kept(&scene));
    scene_close(&scene);
}

/* Another process used the pending bytes up, while this one's request was on its way. */
Test(ima_more, what_was_pending_is_gone)
{
    struct scene scene;
    struct source source;

    open_scene(&scene, &source);
    source.fails_after = 3;
    cr_expect_eq(try(&scene, NULL), RATLS_IO);
    cr_assert(know_what_was_kept(&scene));
    cr_assert_eq(ratls_ledger_forget(scene.rules->ledger, &scene.ima->known, NULL), RATLS_OK);
    source.calls = 0;
    source.fails_after = SIZE_MAX;
    cr_expect_eq(try(&scene, NULL), RATLS_OK);
    cr_expect_eq(source.calls, 9, "%zu", source.calls); /* all of it */
    scene_close(&scene);
}
