/*
 * What a CA refuses. Each row is an enrolment that would succeed but for one thing, and says which
 * word of refusal that brings, at the request or at the answer. The first rows change nothing that
 * matters, and get their certificate.
 */
#include "ca_enrol_scene.h"
#include "ca_refused_rows.h"
#include "must.h"

#include <stdio.h>

struct ca_scene ca_scene;

static void make_scene(const struct ca_row *row)
{
    struct ca_scene *s = &ca_scene;
    char hex[65], more[1024];

    memset(s, 0, sizeof *s);
    s->world = &w;
    s->names = "www.bank.example";
    ca_world_make(&w, "");
    ca_machine_make(&s->machine, &w.maker, row->ek_template == 0 ? RATLS_EK_L2 : row->ek_template,
                    row->ak);
    ca_machine_make(&s->other, &w.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_machine_ek_text(&s->machine, hex);
    snprintf(s->config, sizeof s->config,
             "approval: {rules: [{ek: %s, names: [www.bank.example]}]}\n", hex);
    cr_assert((size_t)snprintf(more, sizeof more, "%s%s",
                               row->approval == NULL ? s->config : row->approval,
                               row->config == NULL ? "" : row->config) < sizeof more);
    ca_world_reopen(&w, more);
    if (row->prepare != NULL)
        row->prepare(s);
}

static void end_scene(void)
{
    ca_machine_done(&ca_scene.machine);
    ca_machine_done(&ca_scene.other);
    ca_world_done(&w);
}

static int64_t count_certificates(void)
{
    return store_place_number(&w.place, "SELECT count(*) FROM certificate");
}

/* The request of a row, as it is sent. */
static struct ratls_slice make_request(const struct ca_row *row)
{
    struct ca_scene *s = &ca_scene;
    size_t len;
    uint8_t *bytes;

    ca_machine_wish(&s->machine, s->names, &s->wish);
    if (row->ask != NULL)
        row->ask(s);
    bytes = ca_wish_write(&s->wish, s->token[0] == '\0' ? NULL : s->token, &len);
    memcpy(s->request, bytes, len);
    free(bytes);
    s->request_len = len;
    if (row->changed != NULL)
        row->changed(s);
    return ratls_slice(s->request, s->request_len);
}

static struct ratls_ca_answer answer_it(const struct ca_row *row, struct ratls_slice request,
                                        const struct ratls_ca_answer *challenged)
{
    uint8_t bytes[RATLS_ENROLL_ANSWER_MAX];
    struct ca_reply reply;
    size_t len;

    ca_machine_reply(&ca_scene.machine, request, ratls_slice(challenged->body, challenged->len),
                     row->quote, &reply);
    if (row->reply != NULL)
        row->reply(&ca_scene, &reply);
    len = ca_reply_write(&reply, bytes);
    ca_reply_done(&reply);
    return ca_world_answer(&w, ratls_slice(bytes, len));
}

static void expect(const struct ca_row *row, const struct ratls_ca_answer *answer, bool is_there)
{
    const char *reason = is_there ? row->reason : "";

    cr_expect_str_eq(answer->reason, reason, "%s: %s, not %s: %s", row->name, answer->reason,
                     reason, answer->detail);
    if (is_there)
        cr_expect_eq(answer->http_status, row->status, "%s: %u", row->name, answer->http_status);
    cr_expect_neq(answer->detail[0], '\0', "%s: without words", row->name);
    if (answer->reason[0] != '\0')
        cr_expect(answer->http_status >= 400 && answer->body == NULL, "%s: has a body", row->name);
}

/* After a refused answer nothing opens the challenge again, not even the right one. */
static void expect_used_up(const struct ca_row *row, struct ratls_slice request,
                           const struct ratls_ca_answer *challenged)
{
    static const struct ca_row right = {.name = "right"};
    struct ratls_ca_answer answer;

    if (row->is_not_used_up)
        return;
    answer = answer_it(&right, request, challenged);
    cr_expect(strcmp(answer.reason, "answered") == 0 || strcmp(answer.reason, "late") == 0,
              "%s: the right answer behind it: %s", row->name, answer.reason);
    ratls_ca_answer_done(&answer);
}

static void expect_recorded(const struct ca_row *row)
{
    const unsigned count = ca_world_count_refused(&w, "refused", row->reason) +
                           ca_world_count_refused(&w, "failed", row->reason);

    if (row->reason[0] != '\0' && !row->is_recorded_by_store)
        cr_expect_geq(count, 1, "%s: no audit record", row->name);
}

static void answer_row(const struct ca_row *row, struct ratls_slice request,
                       const struct ratls_ca_answer *challenged)
{
    struct ratls_ca_answer answer;
    int64_t before;

    if (row->between != NULL)
        row->between(&ca_scene);
    before = count_certificates();
    answer = answer_it(row, request, challenged);
    expect(row, &answer, true);
    cr_expect_eq(count_certificates() - before, row->reason[0] == '\0' ? 1 : 0, "%s", row->name);
    if (row->reason[0] != '\0')
        expect_used_up(row, request, challenged);
    cr_expect_eq(count_certificates() - before, row->reason[0] == '\0' ? 1 : 0, "%s", row->name);
    ratls_ca_answer_done(&answer);
}

static void try_row(const struct ca_row *row)
{
    struct ratls_slice request;
    struct ratls_ca_answer challenged;

    make_scene(row);
    request = make_request(row);
    challenged = ca_world_ask(&w, request);
    expect(row, &challenged, !row->at_answer);
    if (row->at_answer && challenged.len > 0)
        answer_row(row, request, &challenged);
    expect_recorded(row);
    ratls_ca_answer_done(&challenged);
    end_scene();
}

static void try_rows(const struct ca_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        try_row(&rows[i]);
}

Test(ca_refused, requests, .timeout = 240)
{
    size_t count;
    const struct ca_row *rows = ca_rows_request(&count);

    try_rows(rows, count);
}

Test(ca_refused, names_and_tokens, .timeout = 240)
{
    size_t count;
    const struct ca_row *rows = ca_rows_names(&count);

    try_rows(rows, count);
}

Test(ca_refused, answers, .timeout = 240)
{
    size_t count;
    const struct ca_row *rows = ca_rows_answer(&count);

    try_rows(rows, count);
}
