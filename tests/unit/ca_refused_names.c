/* Who may have a name: tuples, tokens, rules, and what nobody may have. */
#include <stdio.h>
#include <string.h>

#include "ca_refused_rows.h"
#include "must.h"

#define BY_TOKEN "approval: {by-hand: refuse, tokens: allow}\n"
#define NOBODY "approval: {by-hand: refuse, tokens: refuse, renewal: refuse}\n"

static void make_token(struct ca_scene *s, const char *names, const struct ca_machine *of,
                       int64_t lifetime, char *out)
{
    char text[64];
    struct ratls_store_token terms = {
        .names = text, .uses_left = 1, .expires = s->world->now + lifetime, .note = text};

    snprintf(text, sizeof text, "%s", names);
    terms.has_ek = of != NULL;
    if (of != NULL)
        ca_machine_ek(of, terms.ek_sha256);
    ca_world_token(s->world, &terms, out);
}

/* As any machine does, by a token of its own. */
void ca_scene_enrol(struct ca_scene *s, const struct ca_machine *machine, const char *names)
{
    char token[CA_TOKEN_SIZE];
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX];
    struct ratls_ca_answer challenged, done;
    struct ca_wish *wish = malloc(sizeof *wish);
    struct ca_reply reply;
    size_t len;
    uint8_t *request;

    must(wish != NULL);
    make_token(s, "", NULL, 1000, token);
    ca_machine_wish(machine, names, wish);
    request = ca_wish_write(wish, token, &len);
    challenged = ca_world_ask(s->world, ratls_slice(request, len));
    must(challenged.http_status == 201);
    ca_machine_reply(machine, ratls_slice(request, len),
                     ratls_slice(challenged.body, challenged.len), NULL, &reply);
    done = ca_world_answer(s->world, ratls_slice(answer, ca_reply_write(&reply, answer)));
    must(done.http_status == 200);
    ca_reply_done(&reply);
    ratls_ca_answer_done(&challenged);
    ratls_ca_answer_done(&done);
    free(request);
    free(wish);
}

void ca_scene_enrol_other(struct ca_scene *s, const char *names)
{
    ca_scene_enrol(s, &s->other, names);
}

static void outside(struct ca_scene *s)
{
    s->names = "www.bank.example.evil.example";
}

static void one_outside(struct ca_scene *s)
{
    s->names = "www.bank.example www.example";
}

static void taken(struct ca_scene *s)
{
    ca_scene_enrol_other(s, "www.bank.example");
}

static void taken_with_token(struct ca_scene *s)
{
    taken(s);
    make_token(s, "www.bank.example", &s->machine, 1000, s->token);
}

static void promised(struct ca_scene *s)
{
    const struct ratls_slice name = ratls_slice(s->names, strlen(s->names));
    const struct ratls_store_names names = {.p = &name, .count = 1};
    enum ratls_store_outcome outcome;
    uint8_t by[32];
    size_t count;

    ca_machine_ek(&s->other, by);
    must(ratls_store_replace(ratls_ca_store(s->world->ca), &names, by, "test", s->world->now,
                             &count, &outcome, NULL) == RATLS_OK);
}

static void enrolled_before(struct ca_scene *s)
{
    char more[256];

    ca_scene_enrol(s, &s->machine, s->names);
    snprintf(more, sizeof more, "%s", NOBODY);
    ca_world_reopen(s->world, more);
}

static void by_token(struct ca_scene *s)
{
    make_token(s, "mail.bank.example www.bank.example", &s->machine, 1000, s->token);
}

static void for_another_name(struct ca_scene *s)
{
    make_token(s, "mail.bank.example", NULL, 1000, s->token);
}

static void for_one_name(struct ca_scene *s)
{
    s->names = "mail.bank.example www.bank.example";
    make_token(s, "mail.bank.example", NULL, 1000, s->token);
}

static void for_another_ek(struct ca_scene *s)
{
    make_token(s, "", &s->other, 1000, s->token);
}

static void expired(struct ca_scene *s)
{
    make_token(s, "", NULL, 10, s->token);
    s->world->now += 10;
}

static void revoked(struct ca_scene *s)
{
    struct ratls_store_token terms = {
        .names = s->config, .uses_left = 1, .expires = s->world->now + 1000, .note = s->config};
    enum ratls_store_outcome outcome;

    s->config[0] = '\0';
    ca_world_token(s->world, &terms, s->token);
    must(ratls_store_revoke_token(ratls_ca_store(s->world->ca), terms.id, s->world->now, &outcome,
                                  NULL) == RATLS_OK &&
         outcome == RATLS_STORE_DONE);
}

/* Nobody made it. */
static void invented(struct ca_scene *s)
{
    snprintf(s->token, sizeof s->token, "rt1-%s",
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

/* The bytes behind the id are others than those of the token. */
static void guessed(struct ca_scene *s)
{
    by_token(s);
    memset(s->token + 30, 'a', 20);
}

/* A byte of the nonce, which is behind the text and its own head. */
static void change_request(struct ca_scene *s)
{
    s->request[40] ^= 1;
}

/* One token for one use, and two machines that have it. */
static void use_token(struct ca_scene *s)
{
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX];
    struct ca_wish *wish = malloc(sizeof *wish);
    struct ratls_ca_answer challenged, done;
    struct ca_reply reply;
    size_t len;
    uint8_t *request;

    must(wish != NULL);
    ca_machine_wish(&s->other, "mail.bank.example", wish);
    request = ca_wish_write(wish, s->token, &len);
    challenged = ca_world_ask(s->world, ratls_slice(request, len));
    ca_machine_reply(&s->other, ratls_slice(request, len),
                     ratls_slice(challenged.body, challenged.len), NULL, &reply);
    done = ca_world_answer(s->world, ratls_slice(answer, ca_reply_write(&reply, answer)));
    must(done.http_status == 200);
    ca_reply_done(&reply);
    ratls_ca_answer_done(&challenged);
    ratls_ca_answer_done(&done);
    free(request);
    free(wish);
}

static void for_anybody(struct ca_scene *s)
{
    make_token(s, "", NULL, 1000, s->token);
}

static void used_up(struct ca_scene *s)
{
    for_anybody(s);
    use_token(s);
}

/* As many as may wait of one TPM. */
static void crowd(struct ca_scene *s)
{
    struct ca_wish *wish = malloc(sizeof *wish);

    must(wish != NULL);
    for (unsigned i = 0; i < RATLS_CA_WAITING_PER_EK; i++) {
        struct ratls_ca_answer answer;
        size_t len;
        uint8_t *request;

        ca_machine_wish(&s->machine, s->names, wish);
        request = ca_wish_write(wish, NULL, &len);
        answer = ca_world_ask(s->world, ratls_slice(request, len));
        must(answer.is_waiting);
        ratls_ca_answer_done(&answer);
        free(request);
    }
    free(wish);
}

static void other_waits(struct ca_scene *s)
{
    struct ca_machine machine = s->machine;

    s->machine = s->other;
    crowd(s);
    s->machine = machine;
}

static const struct ca_row rows[] = {
    {.name = "by a token",
     .reason = "",
     .status = 200,
     .at_answer = true,
     .approval = BY_TOKEN,
     .prepare = by_token},
    {.name = "outside", .reason = "name", .status = 403, .prepare = outside},
    {.name = "one of two outside", .reason = "name", .status = 403, .prepare = one_outside},
    {.name = "taken", .reason = "enrolled", .status = 403, .prepare = taken},
    {.name = "taken, with a token",
     .reason = "enrolled",
     .status = 403,
     .prepare = taken_with_token},
    {.name = "taken meanwhile",
     .reason = "enrolled",
     .status = 403,
     .at_answer = true,
     .between = taken},
    {.name = "promised to another", .reason = "enrolled", .status = 403, .prepare = promised},
    {.name = "no rule", .reason = "not-allowed", .status = 403, .approval = NOBODY},
    {.name = "no renewal",
     .reason = "not-allowed",
     .status = 403,
     .approval = BY_TOKEN,
     .prepare = enrolled_before},
    {.name = "for another name", .reason = "token", .status = 403, .prepare = for_another_name},
    {.name = "for one name of two", .reason = "token", .status = 403, .prepare = for_one_name},
    {.name = "for another EK", .reason = "token", .status = 403, .prepare = for_another_ek},
    {.name = "expired", .reason = "token", .status = 403, .prepare = expired},
    {.name = "revoked", .reason = "token", .status = 403, .prepare = revoked},
    {.name = "invented", .reason = "token", .status = 403, .prepare = invented},
    {.name = "guessed", .reason = "token", .status = 403, .prepare = guessed},
    {.name = "changed request",
     .reason = "token",
     .status = 403,
     .prepare = by_token,
     .changed = change_request},
    {.name = "used up", .reason = "token", .status = 403, .prepare = used_up},
    {.name = "used up meanwhile",
     .reason = "token",
     .status = 403,
     .at_answer = true,
     .prepare = for_anybody,
     .between = use_token,
     .is_recorded_by_store = true},
    {.name = "tokens are not taken",
     .reason = "token",
     .status = 403,
     .approval = NOBODY,
     .prepare = by_token},
    {.name = "one of a crowd", .reason = "rate", .status = 429, .approval = "", .prepare = crowd},
    {.name = "behind the crowd of another",
     .reason = "",
     .status = 202,
     .approval = "",
     .prepare = other_waits},
    {.name = "too many wait",
     .reason = "rate",
     .status = 429,
     .approval = "",
     .config = "limits: {waiting: 8}\n",
     .prepare = other_waits},
};

const struct ca_row *ca_rows_names(size_t *ret_count)
{
    *ret_count = sizeof rows / sizeof rows[0];
    return rows;
}
