#include <criterion/criterion.h>
#include <string.h>

#include "agent_message.h"
#include "octets.h"

#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BINDER "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define SPKI "50515253545556575859 5a5b5c5d5e5f 50515253545556575859 5a5b5c5d5e5f"
#define HASHES "5820" BINDER "5820" SPKI
#define REQUEST(offers, rest) "8601 5820" NONCE offers rest
#define PCRS "81 820b 83000107"
#define WITH_REQUEST(offers) "582e" REQUEST(offers, PCRS "80 80")
#define TURN "4c 000000000000000200000001"

#define HEAD(kind) "84 01 07" kind
#define WEB "63 776562"
#define SESSION(mode, role) mode role "190304 191301" HASHES
#define EVIDENCE(mode, role, context, request)                                                     \
    HEAD("01") "8a" WEB "191388" SESSION(mode, role) context request

static const char MINIMAL[] = EVIDENCE("02", "01", "40", WITH_REQUEST("00"));
static const char RENEWAL[] = EVIDENCE("04", "02", TURN, WITH_REQUEST("0c"));
static const char STATE[] = HEAD("02") "83" WEB "01" PCRS;
static const char STATUS[] = HEAD("03") "80";

static bool accepts_question(struct ratls_slice in)
{
    struct ratls_agent_question question;

    return ratls_agent_question_read(in, &question);
}

static bool accepts_answer(struct ratls_slice in)
{
    struct ratls_agent_answer answer;

    return ratls_agent_answer_read(in, &answer);
}

Test(agent_message, every_field_of_a_question_arrives)
{
    struct octets in = octets_from_hex(RENEWAL);
    struct octets nonce = octets_from_hex(NONCE);
    struct octets binder = octets_from_hex(BINDER);
    struct octets spki = octets_from_hex(SPKI);
    struct octets turn = octets_from_hex("000000000000000200000001");
    struct ratls_agent_question question;

    cr_assert(ratls_agent_question_read(octets_slice(in), &question));
    cr_expect_eq(question.id, 7);
    cr_expect_eq(question.kind, RATLS_AGENT_EVIDENCE);
    cr_expect_str_eq(question.service, "web");
    cr_expect_eq(question.deadline_ms, 5000);
    cr_expect_eq(question.request.mode, RATLS_MODE_RENEWAL);
    cr_expect_eq(question.request.role, RATLS_ROLE_CLIENT);
    cr_expect_eq(question.request.tls_version, 0x0304);
    cr_expect_eq(question.request.cipher_suite, 0x1301);
    cr_expect_arr_eq(question.request.nonce, nonce.p, nonce.len);
    cr_expect_arr_eq(question.request.binder, binder.p, binder.len);
    cr_expect_arr_eq(question.request.spki_sha256, spki.p, spki.len);
    cr_expect_eq(question.request.context_len, turn.len);
    cr_expect_arr_eq(question.request.context, turn.p, turn.len);
    cr_expect_eq(question.request.offers, RATLS_OFFER_EPOCH | RATLS_OFFER_RESULT);
    cr_expect_eq(question.request.selection.count, 1);
    cr_expect_eq(question.request.selection.banks[0].pcrs, 0x83);
    free(in.p);
    free(nonce.p);
    free(binder.p);
    free(spki.p);
    free(turn.p);
}

Test(agent_message, key_ids_and_logs_go_along)
{
    struct ratls_agent_question question = {
        .kind = RATLS_AGENT_EVIDENCE,
        .deadline_ms = 10000,
        .request = {.mode = RATLS_MODE_EXPORTER,
                    .role = RATLS_ROLE_SERVER,
                    .selection = {2, {{0x000b, 0xffffff}, {0x000c, 1}}},
                    .logs = {.boot_bank = 0x000b,
                             .ima_bank = 0x000b,
                             .ima_offset = 99,
                             .ima_key_id = {8, 7, 6, 5, 4, 3, 2, 1},
                             .ima_reset_count = 12,
                             .ima_restart_count = 13},
                    .key_id_count = 2,
                    .key_ids = {{1}, {2}}},
    };
    uint8_t out[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_agent_question read;

    ratls_agent_question_write(&question, &w);
    cr_assert(ratls_agent_question_read(ratls_writer_slice(&w), &read));
    cr_expect_arr_eq(&read.request, &question.request, sizeof read.request);
}

Test(agent_message, a_selection_without_service_asks_for_the_state)
{
    struct octets in = octets_from_hex(HEAD("02") "83 60 01" PCRS);
    struct ratls_agent_question question;

    cr_assert(ratls_agent_question_read(octets_slice(in), &question));
    cr_expect_eq(question.kind, RATLS_AGENT_STATE);
    cr_expect_str_eq(question.service, "");
    cr_expect_eq(question.deadline_ms, 1);
    cr_expect_eq(question.request.selection.banks[0].hash_alg, 0x000b);
    free(in.p);
}

Test(agent_message, only_whole_questions_are_accepted)
{
    static const char *const cases[] = {MINIMAL, RENEWAL, STATE, STATUS};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);

        assert_only_whole(octets_slice(in), accepts_question);
        free(in.p);
    }
}

#define TEXT_64 "7840" BINDER_64 BINDER_64
#define BINDER_64 "6161616161616161616161616161616161616161616161616161616161616161"
#define ALL_PCRS "98180001020304050607 08090a0b0c0d0e0f 1011121314151617"
#define STATE_OF(service, deadline, selection) HEAD("02") "83" service deadline selection

static const struct shape QUESTIONS[] = {
    {"evidence", MINIMAL, true},
    {"evidence of a renewal, of a client", RENEWAL, true},
    {"the first evidence on a channel", EVIDENCE("03", "01", "40", WITH_REQUEST("00")), true},
    {"state", STATE, true},
    {"status", STATUS, true},
    {"cancel", HEAD("04") "80", true},
    {"the largest id", "84 01 1bffffffffffffffff 04 80", true},
    {"version 0", "84 00 07 03 80", false},
    {"version 2", "84 02 07 03 80", false},
    {"three items", "83 01 07 03", false},
    {"five items", "85 01 07 03 80 00", false},
    {"a negative id", "84 01 20 03 80", false},
    {"an id in a long head", "84 01 1807 03 80", false},
    {"kind 0", HEAD("00") "80", false},
    {"kind 5", HEAD("05") "80", false},
    {"kind 2^32 more than status", HEAD("1b0000000100000003") "80", false},
    {"status with a body", HEAD("03") "81 00", false},
    {"cancel with a body", HEAD("04") "81 00", false},
    {"state without a body", HEAD("02") "80", false},
    {"evidence without a body", HEAD("01") "80", false},
    {"the body of the other kind", HEAD("01") "83" WEB "01" PCRS, false},
    {"certificate mode", EVIDENCE("01", "01", "40", WITH_REQUEST("00")), false},
    {"epoch mode", EVIDENCE("05", "01", "40", WITH_REQUEST("00")), false},
    {"mode 0", EVIDENCE("00", "01", "40", WITH_REQUEST("00")), false},
    {"role 0", EVIDENCE("02", "00", "40", WITH_REQUEST("00")), false},
    {"role 3", EVIDENCE("02", "03", "40", WITH_REQUEST("00")), false},
    {"a context in a handshake", EVIDENCE("02", "01", "41 00", WITH_REQUEST("00")), false},
    {"a turn in mode 3", EVIDENCE("03", "01", TURN, WITH_REQUEST("00")), false},
    {"no turn in a renewal", EVIDENCE("04", "01", "40", WITH_REQUEST("00")), false},
    {"a short turn", EVIDENCE("04", "01", "4b 0000000000000002000000", WITH_REQUEST("00")), false},
    {"turn 0", EVIDENCE("04", "01", "4c 000000000000000000000000", WITH_REQUEST("00")), false},
    {"a context of an epoch", EVIDENCE("02", "01", "5820" NONCE, WITH_REQUEST("00")), false},
    {"offers an epoch", EVIDENCE("02", "01", "40", WITH_REQUEST("04")), true},
    {"offers a result", EVIDENCE("02", "01", "40", WITH_REQUEST("08")), true},
    {"offers proof of a TLS key", EVIDENCE("02", "01", "40", WITH_REQUEST("10")), true},
    {"offers frames", EVIDENCE("02", "01", "40", WITH_REQUEST("01")), false},
    {"offers the exporter", EVIDENCE("02", "01", "40", WITH_REQUEST("03")), false},
    {"logs alone", EVIDENCE("02", "01", "40", "582b" REQUEST("00", "80 80 81 82010b")), true},
    {"neither claims nor logs", EVIDENCE("02", "01", "40", "5828" REQUEST("00", "80 80 80")),
     false},
    {"no request", EVIDENCE("02", "01", "40", "40"), false},
    {"a request of version 2", EVIDENCE("02", "01", "40", "42 8102"), false},
    {"the request as an item", EVIDENCE("02", "01", "40", REQUEST("00", PCRS "80 80")), false},
    {"a request with a byte behind it",
     EVIDENCE("02", "01", "40", "582f" REQUEST("00", PCRS "80 80 00")), false},
    {"a short binder",
     HEAD("01") "8a" WEB "191388 02 01 190304 191301 581f" NONCE "5820" SPKI
                "40" WITH_REQUEST("00"),
     false},
    {"a version of TLS of three bytes",
     HEAD("01") "8a" WEB "191388 02 01 1a00010304 191301" HASHES "40" WITH_REQUEST("00"), false},
    {"no service", STATE_OF("60", "01", PCRS), true},
    {"a service of 64 characters", STATE_OF(TEXT_64, "01", PCRS), true},
    {"a service of 65 characters", STATE_OF("7841" BINDER_64 BINDER_64 "61", "01", PCRS), false},
    {"a service with a NUL", STATE_OF("63 770062", "01", PCRS), false},
    {"a service beyond ASCII", STATE_OF("62 c3a4", "01", PCRS), false},
    {"a service as bytes", STATE_OF("43 776562", "01", PCRS), false},
    {"no time", STATE_OF(WEB, "00", PCRS), false},
    {"ten seconds", STATE_OF(WEB, "192710", PCRS), true},
    {"more than ten seconds", STATE_OF(WEB, "192711", PCRS), false},
    {"2^32 ms more than one", STATE_OF(WEB, "1b0000000100000001", PCRS), false},
    {"the state of nothing", STATE_OF(WEB, "01", "80"), false},
    {"a bank without PCRs", STATE_OF(WEB, "01", "81 820b 80"), false},
    {"SHA-1", STATE_OF(WEB, "01", "81 8204 8100"), false},
    {"three banks", STATE_OF(WEB, "01", "83 820b" ALL_PCRS "820c" ALL_PCRS "820d" ALL_PCRS), true},
    {"banks in another order", STATE_OF(WEB, "01", "82 820c 8100 820b 8100"), false},
    {"a map", "a2 01 07 03 80", false},
    {"an indefinite length", "9f 01 07 03 80 ff", false},
    {"nothing", "", false},
};

Test(agent_message, questions)
{
    expect_shapes(accepts_question, QUESTIONS, sizeof QUESTIONS / sizeof *QUESTIONS);
}

Test(agent_message, a_question_that_is_accepted_is_written_the_same)
{
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++) {
        struct octets in = octets_from_hex(QUESTIONS[i].hex);
        uint8_t out[RATLS_AGENT_QUESTION_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_agent_question question = {.id = 99};

        if (ratls_agent_question_read(octets_slice(in), &question)) {
            ratls_agent_question_write(&question, &w);
            cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "%s",
                      QUESTIONS[i].name);
        } else {
            cr_expect_eq(question.id, 99, "%s: written to", QUESTIONS[i].name);
        }
        free(in.p);
    }
}

#define FOR_A_SESSION                                                                              \
    {                                                                                              \
        .mode = RATLS_MODE_HANDSHAKE, .role = RATLS_ROLE_SERVER, .selection = {1, {{0x000b, 1}}},  \
    }

static bool is_written(const struct ratls_agent_question *question)
{
    uint8_t out[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_agent_question_write(question, &w);
    return !w.failed;
}

Test(agent_message, the_writer_refuses_what_the_reader_would)
{
    const struct ratls_agent_question good = {
        .kind = RATLS_AGENT_EVIDENCE, .service = "web", .deadline_ms = 1, .request = FOR_A_SESSION};
    struct ratls_agent_question question = good;

    cr_assert(is_written(&question));
    question.kind = (enum ratls_agent_kind)0;
    cr_expect_not(is_written(&question), "kind 0");
    question.kind = (enum ratls_agent_kind)5;
    cr_expect_not(is_written(&question), "kind 5");
    question = good;
    question.service[1] = '\n';
    cr_expect_not(is_written(&question), "service");
    question = good;
    question.deadline_ms = 0;
    cr_expect_not(is_written(&question), "no time");
    question.deadline_ms = RATLS_AGENT_DEADLINE_MAX_MS + 1;
    cr_expect_not(is_written(&question), "too much time");
    question = good;
    question.request.mode = RATLS_MODE_CERTIFICATE;
    cr_expect_not(is_written(&question), "certificate mode");
    question.request.mode = RATLS_MODE_EPOCH;
    cr_expect_not(is_written(&question), "epoch mode");
    question = good;
    question.request.role = (enum ratls_role)3;
    cr_expect_not(is_written(&question), "role");
    question = good;
    question.request.context_len = RATLS_CONTEXT_MAX + 1;
    cr_expect_not(is_written(&question), "context");
    question = good;
    question.request.selection.count = 0;
    cr_expect_not(is_written(&question), "nothing is wanted");
    question = good;
    question.request.key_id_count = RATLS_KEY_IDS_MAX + 1;
    cr_expect_not(is_written(&question), "key ids");
    question = good;
    question.request.key_id_count = 2;
    cr_expect_not(is_written(&question), "the same key twice");
    question = good;
    question.kind = RATLS_AGENT_STATE;
    question.request.selection.banks[0].hash_alg = 0x0004;
    cr_expect_not(is_written(&question), "SHA-1");
}

Test(agent_message, offers_of_the_connection_stay_with_it)
{
    struct ratls_agent_question question = {
        .kind = RATLS_AGENT_EVIDENCE, .deadline_ms = 1, .request = FOR_A_SESSION};
    uint8_t out[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_agent_question read;

    question.request.offers = RATLS_OFFER_ALL;
    ratls_agent_question_write(&question, &w);
    cr_assert(ratls_agent_question_read(ratls_writer_slice(&w), &read));
    cr_expect_eq(read.request.offers, RATLS_OFFER_EPOCH | RATLS_OFFER_RESULT | RATLS_OFFER_TLS_KEY);
}

/* ---- answers ---- */

static const struct shape ANSWERS[] = {
    {"a payload", "85 01 07 00 42 a0a1 60", true},
    {"a reason", "85 01 07 06 40 62 6e6f", true},
    {"no reason", "85 01 07 08 40 60", true},
    {"the largest id", "85 01 1bffffffffffffffff 00 41 00 60", true},
    {"neither", "85 01 07 00 40 60", false},
    {"both", "85 01 07 00 41 00 62 6e6f", false},
    {"a payload in spite of an error", "85 01 07 06 41 00 62 6e6f", false},
    {"malformed, as the lowest of reasons", "85 01 07 02 40 62 6e6f", true},
    {"a verdict", "85 01 07 01 40 62 6e6f", false},
    {"an unknown status", "85 01 07 09 40 62 6e6f", false},
    {"status 2^32", "85 01 07 1b0000000100000000 41 00 60", false},
    {"a negative status", "85 01 07 20 40 62 6e6f", false},
    {"a reason with a newline", "85 01 07 06 40 62 6e0a", false},
    {"a reason as bytes", "85 01 07 06 40 42 6e6f", false},
    {"a payload as text", "85 01 07 00 62 6e6f 60", false},
    {"version 0", "85 00 07 00 41 00 60", false},
    {"version 2", "85 02 07 00 41 00 60", false},
    {"four items", "84 01 07 00 41 00", false},
    {"six items", "86 01 07 00 41 00 60 00", false},
    {"a long head", "85 01 1807 00 41 00 60", false},
    {"nothing", "", false},
};

Test(agent_message, answers)
{
    expect_shapes(accepts_answer, ANSWERS, sizeof ANSWERS / sizeof *ANSWERS);
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        struct octets in = octets_from_hex(ANSWERS[i].hex);
        uint8_t out[64];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_agent_answer answer = {.id = 99};

        if (ratls_agent_answer_read(octets_slice(in), &answer)) {
            ratls_agent_answer_write(&answer, &w);
            cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "%s",
                      ANSWERS[i].name);
            assert_only_whole(octets_slice(in), accepts_answer);
        } else {
            cr_expect_eq(answer.id, 99, "%s: written to", ANSWERS[i].name);
        }
        free(in.p);
    }
}

/* An answer of the greatest lengths: one byte more of the payload is refused, of the text cut. */
Test(agent_message, an_answer_has_its_limits)
{
    static uint8_t payload[RATLS_AGENT_PAYLOAD_MAX + 1], out[RATLS_AGENT_ANSWER_MAX];
    struct ratls_agent_answer answer = {.id = UINT64_MAX,
                                        .payload = ratls_slice(payload, RATLS_AGENT_PAYLOAD_MAX)};
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_agent_answer read;
    char text[RATLS_ERROR_TEXT];

    ratls_agent_answer_write(&answer, &w);
    cr_assert(ratls_agent_answer_read(ratls_writer_slice(&w), &read));
    cr_expect_eq(read.payload.len, RATLS_AGENT_PAYLOAD_MAX);
    answer.payload.len++;
    w = ratls_writer(out, sizeof out);
    ratls_agent_answer_write(&answer, &w);
    cr_expect(w.failed);

    memset(text, 'x', sizeof text);
    answer = (struct ratls_agent_answer){.status = RATLS_TPM, .text = {(uint8_t *)text, 300}};
    w = ratls_writer(out, sizeof out);
    ratls_agent_answer_write(&answer, &w);
    cr_assert(ratls_agent_answer_read(ratls_writer_slice(&w), &read));
    cr_expect(ratls_slice_equal(read.text, answer.text));
    answer.text.len = sizeof text;
    w = ratls_writer(out, sizeof out);
    ratls_agent_answer_write(&answer, &w);
    cr_assert(ratls_agent_answer_read(ratls_writer_slice(&w), &read));
    cr_expect_eq(read.text.len, RATLS_AGENT_TEXT_MAX);
    cr_expect_arr_eq(read.text.p + RATLS_AGENT_TEXT_MAX - 4, "x...", 4);
}

Test(agent_message, a_reason_is_printable)
{
    static const char text[] = "/srv/\xc3\xa4\n";
    struct ratls_agent_answer answer = {.status = RATLS_IO,
                                        .text = ratls_slice(text, sizeof text - 1)};
    uint8_t out[64];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_agent_answer read;
    static const char expected[] = "/srv/\\xc3\\xa4\\x0a";

    ratls_agent_answer_write(&answer, &w);
    cr_assert(ratls_agent_answer_read(ratls_writer_slice(&w), &read));
    cr_expect(ratls_slice_equal(read.text, ratls_slice(expected, sizeof expected - 1)));
}
