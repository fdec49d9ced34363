/*
 * Targets: ratls_ca_take_request, ratls_ca_take_answer and ratls_quote_check, in a CA with a store.
 * The first byte says what the others are: a whole message, or one part of a good one. Whatever
 * comes, the CA works, and says what it refuses in a word and a sentence; nothing is issued.
 */
#include <string.h>

#include "ca_outcome.h"
#include "ca_world.h"
#include "enroll_check.h"
#include "fuzz.h"
#include "quote_check.h"
#include "roots.h"

enum part { REQUEST, ANSWER, EK_AREA, EK_CERTIFICATE, EK_ISSUER, AK, NAME, TOKEN, QUOTE, PARTS };

static struct ca_world world;
static struct ca_machine machine;
static struct ca_wish wish;
static struct ratls_enrollee enrollee; /* of the machine's good request */
static struct ratls_roots *roots;
static uint8_t *good;

static void end(void)
{
    ratls_enrollee_done(&enrollee);
    ratls_roots_free(roots);
    free(good);
    ca_machine_done(&machine);
    ca_world_done(&world);
}

static void find_enrollee(void)
{
    struct ratls_enroll_question question = {.config = world.config, .now = world.now};
    struct ratls_ca_answer answer = {.http_status = 0};
    enum ratls_root_kind kind;
    bool is_new;
    size_t len;
    uint8_t *der = pki_der(world.maker.root, &len);

    roots = ratls_roots_new();
    FUZZ_CHECK(ratls_roots_add(roots, ratls_slice(der, len), true, &kind, &is_new, NULL) ==
               RATLS_OK);
    OPENSSL_free(der);
    good = ca_wish_write(&wish, NULL, &len);
    question.body = ratls_slice(good, len);
    question.roots = roots;
    FUZZ_CHECK(ratls_enroll_check(&question, &answer, &enrollee, NULL) == RATLS_OK);
    FUZZ_CHECK(!ratls_ca_is_refused(&answer));
}

static void begin(void)
{
    static bool is_open;

    if (is_open)
        return;
    is_open = true;
    ca_world_make(&world, "");
    ca_machine_make(&machine, &world.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_machine_wish(&machine, "www.bank.example", &wish);
    find_enrollee();
    FUZZ_CHECK(atexit(end) == 0);
}

/* Refused in words, or it waits for a hand. */
static void check(struct ratls_ca_answer *answer)
{
    const bool is_refused = answer->http_status >= 400 && answer->http_status < 500;

    FUZZ_CHECK(is_refused || answer->is_waiting);
    FUZZ_CHECK(is_refused == (answer->reason[0] != '\0'));
    FUZZ_CHECK(answer->detail[0] != '\0' && answer->body == NULL);
    ratls_ca_answer_done(answer);
}

static void ask(struct ratls_slice request)
{
    struct ratls_ca_answer answer = {.http_status = 0};

    FUZZ_CHECK(ratls_ca_take_request(world.ca, request, RATLS_CA_SERVICE, world.now, &answer,
                                     NULL) == RATLS_OK);
    check(&answer);
}

static void answer_with(struct ratls_slice message)
{
    struct ratls_ca_answer answer = {.http_status = 0};

    FUZZ_CHECK(ratls_ca_take_answer(world.ca, message, world.now, &answer, NULL) == RATLS_OK);
    FUZZ_CHECK(!answer.is_waiting);
    check(&answer);
}

static void ask_with(enum part part, struct ratls_slice bytes)
{
    static uint8_t out[RATLS_ENROLL_REQUEST_MAX];
    struct ratls_enroll_request request = wish.request;
    struct ratls_writer w = ratls_writer(out, sizeof out);

    if (part == EK_AREA)
        request.ek_public = bytes;
    else if (part == EK_CERTIFICATE || part == EK_ISSUER)
        request.ek_certificates[part == EK_ISSUER] = bytes;
    else if (part == AK)
        request.ak_public = bytes;
    else if (part == NAME)
        request.names[0] = bytes;
    else if (bytes.len == RATLS_ENROLL_TOKEN_ID_LEN + RATLS_ENROLL_MAC_LEN) {
        request.token_id = ratls_slice(bytes.p, RATLS_ENROLL_TOKEN_ID_LEN);
        request.token_mac =
            ratls_slice(bytes.p + RATLS_ENROLL_TOKEN_ID_LEN, RATLS_ENROLL_MAC_LEN);
    }
    ratls_enroll_request_write(&request, &w);
    if (!w.failed)
        ask(ratls_writer_slice(&w));
}

/* The length of the TPMS_ATTEST, it, and the TPMT_SIGNATURE: by nobody who has the key. */
static void quote(struct ratls_slice bytes)
{
    static const uint8_t extra_data[32];
    struct ratls_reader r = ratls_reader(bytes);
    struct ratls_quote_question question = {.enrollee = &enrollee, .extra_data = extra_data};
    struct ratls_ca_answer answer = {.http_status = 0};
    uint64_t firmware;

    question.attest = ratls_read_tpm2b(&r, UINT16_MAX);
    question.signature = r.rest;
    FUZZ_CHECK(ratls_quote_check(&question, &answer, &firmware, NULL) == RATLS_OK);
    check(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ratls_slice bytes = ratls_slice(data + (size > 0), size - (size > 0));
    const enum part part = size > 0 ? (enum part)(data[0] % PARTS) : REQUEST;

    begin();
    if (part == REQUEST)
        ask(bytes);
    else if (part == ANSWER)
        answer_with(bytes);
    else if (part == QUOTE)
        quote(bytes);
    else
        ask_with(part, bytes);
    return 0;
}
