#include "agent_message.h"

#include <string.h>

#include "request.h"
#include "statement.h"
#include "turn.h"

#define VERSION 1
#define QUESTION_ITEMS 4
#define ANSWER_ITEMS 5
#define EVIDENCE_ITEMS 10
#define STATE_ITEMS 3
#define STATUS_MAX RATLS_MEMORY
#define OFFERS (unsigned)(RATLS_OFFER_EPOCH | RATLS_OFFER_RESULT | RATLS_OFFER_TLS_KEY)

/* ---- rules between the fields: those of each are the reader's ---- */

/* WIRE.md, 5: what no statement of a session has is not asked for. */
static bool is_of_session(const struct ratls_attest_request *request)
{
    struct ratls_slice context = ratls_slice(request->context, request->context_len);

    if (request->role != RATLS_ROLE_SERVER && request->role != RATLS_ROLE_CLIENT)
        return false;
    if (request->mode == RATLS_MODE_RENEWAL)
        return context.len == RATLS_TURN_CONTEXT_LEN && !ratls_slice_is_zero(context);
    return ratls_mode_has_session(request->mode) && context.len == 0;
}

static bool is_question_valid(const struct ratls_agent_question *question)
{
    if (question->kind == RATLS_AGENT_STATUS || question->kind == RATLS_AGENT_CANCEL)
        return true;
    if (question->deadline_ms < 1 || question->deadline_ms > RATLS_AGENT_DEADLINE_MAX_MS)
        return false;
    if (question->kind == RATLS_AGENT_STATE)
        return ratls_selection_valid(&question->request.selection);
    return question->kind == RATLS_AGENT_EVIDENCE && is_of_session(&question->request);
}

/* An answer has either what was asked for, or a reason why not. An agent appraises nobody. */
static bool is_answer_valid(const struct ratls_agent_answer *answer)
{
    if ((unsigned)answer->status > STATUS_MAX || answer->status == RATLS_REJECTED)
        return false;
    if (answer->status == RATLS_OK)
        return answer->payload.len > 0 && answer->payload.len <= RATLS_AGENT_PAYLOAD_MAX &&
               answer->text.len == 0;
    return answer->payload.len == 0;
}

/* ---- questions ---- */

static void read_fixed(struct ratls_cbor *c, uint8_t *out, size_t len)
{
    struct ratls_slice bytes = ratls_cbor_bytes(c, len, len);

    if (!c->failed)
        memcpy(out, bytes.p, len);
}

static void read_context(struct ratls_cbor *c, struct ratls_attest_request *request)
{
    struct ratls_slice context = ratls_cbor_bytes(c, 0, RATLS_TURN_CONTEXT_LEN);

    if (context.len > 0)
        memcpy(request->context, context.p, context.len);
    request->context_len = context.len;
}

/* The offers that are of a connection are its own business: the agent has none. */
static void read_request(struct ratls_cbor *c, struct ratls_attest_request *request)
{
    struct ratls_slice in = ratls_cbor_bytes(c, 1, RATLS_REQUEST_MAX);
    struct ratls_request read;

    if (c->failed || ratls_request_read(in, &read) != RATLS_REQUEST_OK ||
        (read.offers & ~OFFERS) != 0)
        c->failed = true;
    else
        ratls_request_to_attest(&read, request);
}

static void read_evidence(struct ratls_cbor *c, struct ratls_attest_request *request)
{
    request->mode = (enum ratls_mode)ratls_cbor_uint(c, RATLS_MODE_RENEWAL);
    request->role = (enum ratls_role)ratls_cbor_uint(c, RATLS_ROLE_CLIENT);
    request->tls_version = (uint16_t)ratls_cbor_uint(c, UINT16_MAX);
    request->cipher_suite = (uint16_t)ratls_cbor_uint(c, UINT16_MAX);
    read_fixed(c, request->binder, sizeof request->binder);
    read_fixed(c, request->spki_sha256, sizeof request->spki_sha256);
    read_context(c, request);
    read_request(c, request);
}

static void read_body(struct ratls_cbor *c, struct ratls_agent_question *question)
{
    size_t items = question->kind == RATLS_AGENT_EVIDENCE ? EVIDENCE_ITEMS
                   : question->kind == RATLS_AGENT_STATE  ? STATE_ITEMS
                                                          : 0;
    struct ratls_slice service;

    ratls_cbor_array(c, items, items);
    if (c->failed || items == 0)
        return;
    service = ratls_cbor_text(c, 0, RATLS_SERVICE_MAX);
    if (service.len > 0)
        memcpy(question->service, service.p, service.len);
    question->deadline_ms = (unsigned)ratls_cbor_uint(c, RATLS_AGENT_DEADLINE_MAX_MS);
    if (question->kind == RATLS_AGENT_EVIDENCE)
        read_evidence(c, &question->request);
    else
        ratls_selection_read(c, &question->request.selection);
}

bool ratls_agent_question_read(struct ratls_slice in, struct ratls_agent_question *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_agent_question question = {0};

    ratls_cbor_array(&c, QUESTION_ITEMS, QUESTION_ITEMS);
    ratls_cbor_expect_uint(&c, VERSION);
    question.id = ratls_cbor_uint(&c, UINT64_MAX);
    question.kind = (enum ratls_agent_kind)ratls_cbor_uint(&c, RATLS_AGENT_CANCEL);
    read_body(&c, &question);
    if (!ratls_cbor_done(&c) || !is_question_valid(&question))
        return false;
    *ret = question;
    return true;
}

static void write_request(const struct ratls_attest_request *attest, struct ratls_writer *w)
{
    uint8_t bytes[RATLS_REQUEST_MAX];
    struct ratls_writer inner = ratls_writer(bytes, sizeof bytes);
    struct ratls_request request;

    ratls_request_of_attest(attest, &request);
    request.offers &= OFFERS;
    ratls_request_write(&request, &inner);
    if (inner.failed)
        w->failed = true;
    else
        ratls_cbor_put_bytes(w, ratls_writer_slice(&inner));
}

static void write_evidence(const struct ratls_attest_request *request, struct ratls_writer *w)
{
    ratls_cbor_put_uint(w, request->mode);
    ratls_cbor_put_uint(w, request->role);
    ratls_cbor_put_uint(w, request->tls_version);
    ratls_cbor_put_uint(w, request->cipher_suite);
    ratls_cbor_put_bytes(w, ratls_slice(request->binder, sizeof request->binder));
    ratls_cbor_put_bytes(w, ratls_slice(request->spki_sha256, sizeof request->spki_sha256));
    ratls_cbor_put_bytes(w, ratls_slice(request->context, request->context_len));
    write_request(request, w);
}

static void write_body(const struct ratls_agent_question *question, struct ratls_writer *w)
{
    struct ratls_slice service = ratls_slice(question->service, strlen(question->service));
    bool is_evidence = question->kind == RATLS_AGENT_EVIDENCE;

    if (!is_evidence && question->kind != RATLS_AGENT_STATE) {
        ratls_cbor_put_array(w, 0);
        return;
    }
    if (!ratls_slice_is_printable(service))
        w->failed = true;
    ratls_cbor_put_array(w, is_evidence ? EVIDENCE_ITEMS : STATE_ITEMS);
    ratls_cbor_put_text(w, service);
    ratls_cbor_put_uint(w, question->deadline_ms);
    if (is_evidence)
        write_evidence(&question->request, w);
    else
        ratls_selection_write(&question->request.selection, w);
}

void ratls_agent_question_write(const struct ratls_agent_question *question, struct ratls_writer *w)
{
    if (!is_question_valid(question)) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_array(w, QUESTION_ITEMS);
    ratls_cbor_put_uint(w, VERSION);
    ratls_cbor_put_uint(w, question->id);
    ratls_cbor_put_uint(w, question->kind);
    write_body(question, w);
}

/* ---- answers ---- */

bool ratls_agent_answer_read(struct ratls_slice in, struct ratls_agent_answer *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_agent_answer answer = {0};

    ratls_cbor_array(&c, ANSWER_ITEMS, ANSWER_ITEMS);
    ratls_cbor_expect_uint(&c, VERSION);
    answer.id = ratls_cbor_uint(&c, UINT64_MAX);
    answer.status = (enum ratls_status)ratls_cbor_uint(&c, STATUS_MAX);
    answer.payload = ratls_cbor_bytes(&c, 0, RATLS_AGENT_PAYLOAD_MAX);
    answer.text = ratls_cbor_text(&c, 0, RATLS_AGENT_TEXT_MAX);
    if (!ratls_cbor_done(&c) || !is_answer_valid(&answer))
        return false;
    *ret = answer;
    return true;
}

void ratls_agent_answer_write(const struct ratls_agent_answer *answer, struct ratls_writer *w)
{
    char text[RATLS_AGENT_TEXT_MAX + 1];

    if (!is_answer_valid(answer)) {
        w->failed = true;
        return;
    }
    ratls_escape(answer->text, text, sizeof text);
    ratls_cbor_put_array(w, ANSWER_ITEMS);
    ratls_cbor_put_uint(w, VERSION);
    ratls_cbor_put_uint(w, answer->id);
    ratls_cbor_put_uint(w, answer->status);
    ratls_cbor_put_bytes(w, answer->payload);
    ratls_cbor_put_text(w, ratls_slice(text, strlen(text)));
}

/* ---- states ---- */

void ratls_agent_state_write(const uint8_t digest[static RATLS_MEASURED_LEN], unsigned age_ms,
                             uint8_t out[static RATLS_AGENT_STATE_LEN])
{
    struct ratls_writer w = ratls_writer(out, RATLS_AGENT_STATE_LEN);

    ratls_write_bytes(&w, ratls_slice(digest, RATLS_MEASURED_LEN));
    ratls_write_u16(&w, age_ms > UINT16_MAX ? UINT16_MAX : (uint16_t)age_ms);
}

bool ratls_agent_state_read(struct ratls_slice in, uint8_t ret_digest[static RATLS_MEASURED_LEN],
                            unsigned *ret_age_ms)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_slice digest = ratls_read_bytes(&r, RATLS_MEASURED_LEN);
    unsigned age_ms = ratls_read_u16(&r);

    if (!ratls_reader_done(&r))
        return false;
    memcpy(ret_digest, digest.p, RATLS_MEASURED_LEN);
    *ret_age_ms = age_ms;
    return true;
}
