/* What is no message of an enrolment: other names, orders and encodings (WIRE.md, 1 and 14). */
#include <criterion/criterion.h>

#include "cbor.h"
#include "enroll_scene.h"
#include "octets.h"

#define L_REQUEST "76 7261746c732d656e726f6c6c2d726571756573742d31"
#define L_CHALLENGE "7818 7261746c732d656e726f6c6c2d6368616c6c656e67652d31"
#define L_ANSWER "75 7261746c732d656e726f6c6c2d616e737765722d31"
#define L_RESULT "75 7261746c732d656e726f6c6c2d726573756c742d31"
#define B16 "000102030405060708090a0b0c0d0e0f"
#define B32 B16 B16
#define ID "50" B16
#define SHA "5820" B32
#define NAMES "81 61 61"
#define TOKEN "82 48 0001020304050607 5820" B32

#define REQUEST(names, template, certificates, token)                                              \
    "88" L_REQUEST SHA names template "41aa" certificates "41bb" token
#define GOOD_REQUEST REQUEST(NAMES, "01", "8141cc", "80")
#define GOOD_CHALLENGE "86" L_CHALLENGE ID SHA "1a65000000 41aa 41bb"
#define GOOD_ANSWER "85" L_ANSWER ID SHA "41aa 41bb"
#define GOOD_RESULT "83" L_RESULT ID "8141cc"

static bool takes_request(struct ratls_slice in)
{
    return enroll_is_taken(ENROLL_REQUEST, in);
}

static bool takes_challenge(struct ratls_slice in)
{
    return enroll_is_taken(ENROLL_CHALLENGE, in);
}

static bool takes_answer(struct ratls_slice in)
{
    return enroll_is_taken(ENROLL_ANSWER, in);
}

static bool takes_result(struct ratls_slice in)
{
    return enroll_is_taken(ENROLL_RESULT, in);
}

#define EXPECT_SHAPES(accepts, shapes)                                                             \
    expect_shapes(accepts, shapes, sizeof shapes / sizeof *shapes)

Test(enroll_refused, requests)
{
    static const struct shape shapes[] = {
        {"smallest", GOOD_REQUEST, true},
        {"with a token", REQUEST(NAMES, "08", "8141cc", TOKEN), true},
        {"nothing", "", false},
        {"another message", GOOD_RESULT, false},
        {"version 2",
         "88 76 7261746c732d656e726f6c6c2d726571756573742d32" SHA NAMES "01 41aa 8141cc 41bb 80",
         false},
        {"label as bytes",
         "88 56 7261746c732d656e726f6c6c2d726571756573742d31" SHA NAMES "01 41aa 8141cc 41bb 80",
         false},
        {"label in a long head",
         "88 7816 7261746c732d656e726f6c6c2d726571756573742d31" SHA NAMES "01 41aa 8141cc 41bb 80",
         false},
        {"eight items, nine announced", "89" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb 80", false},
        {"eight items, seven announced", "87" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb 80", false},
        {"nine items", "89" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb 80 80", false},
        {"seven items", "87" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb", false},
        {"array in a long head", "9808" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb 80", false},
        {"indefinite array", "9f" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb 80 ff", false},
        {"a map", "a4" L_REQUEST SHA NAMES "01 41aa 8141cc 41bb 80", false},
        {"a tag", "d9d9f7" GOOD_REQUEST, false},
        {"nonce as text", "88" L_REQUEST "7820" B32 NAMES "01 41aa 8141cc 41bb 80", false},
        {"indefinite nonce", "88" L_REQUEST "5f5820" B32 "ff" NAMES "01 41aa 8141cc 41bb 80",
         false},
        {"name as bytes", REQUEST("814161", "01", "8141cc", "80"), false},
        {"name in a long head", REQUEST("81780161", "01", "8141cc", "80"), false},
        {"names without an array", REQUEST("6161", "01", "8141cc", "80"), false},
        {"template in a long head", REQUEST(NAMES, "1801", "8141cc", "80"), false},
        {"template -1", REQUEST(NAMES, "20", "8141cc", "80"), false},
        {"template 1.0", REQUEST(NAMES, "f93c00", "8141cc", "80"), false},
        {"template 9, of SM2", REQUEST(NAMES, "09", "8141cc", "80"), false},
        {"certificate in a long head", REQUEST(NAMES, "01", "815801cc", "80"), false},
        {"certificate without an array", REQUEST(NAMES, "01", "41cc", "80"), false},
        {"one certificate, two announced", REQUEST(NAMES, "01", "8241cc", "80"), false},
        {"token null", REQUEST(NAMES, "01", "8141cc", "f6"), false},
        {"token as an empty map", REQUEST(NAMES, "01", "8141cc", "a0"), false},
        {"token of an id alone", REQUEST(NAMES, "01", "8141cc", "81 48 0001020304050607"), false},
        {"token of a MAC alone", REQUEST(NAMES, "01", "8141cc", "81 5820" B32), false},
        {"token with a third item",
         REQUEST(NAMES, "01", "8141cc", "83 48 0001020304050607 5820" B32 "40"), false},
        {"token of empty strings", REQUEST(NAMES, "01", "8141cc", "824040"), false},
        {"token the other way round",
         REQUEST(NAMES, "01", "8141cc", "82 5820" B32 "48 0001020304050607"), false},
    };

    EXPECT_SHAPES(takes_request, shapes);
}

Test(enroll_refused, challenges)
{
    static const struct shape shapes[] = {
        {"smallest", GOOD_CHALLENGE, true},
        {"another message", GOOD_ANSWER, false},
        {"version 2",
         "86 7818 7261746c732d656e726f6c6c2d6368616c6c656e67652d32" ID SHA "1a65000000 41aa 41bb",
         false},
        {"five items", "85" L_CHALLENGE ID SHA "1a65000000 41aa", false},
        {"seven items", "87" L_CHALLENGE ID SHA "1a65000000 41aa 41bb 40", false},
        {"id as text",
         "86" L_CHALLENGE "70 61616161616161616161616161616161" SHA "1a65000000 41aa 41bb", false},
        {"time in a long head", "86" L_CHALLENGE ID SHA "1b0000000065000000 41aa 41bb", false},
        {"time before 1970", "86" L_CHALLENGE ID SHA "3a65000000 41aa 41bb", false},
        {"time with a tag", "86" L_CHALLENGE ID SHA "c11a65000000 41aa 41bb", false},
        {"time as a float", "86" L_CHALLENGE ID SHA "fb41d9400000000000 41aa 41bb", false},
        {"blob in a long head", "86" L_CHALLENGE ID SHA "1a65000000 5801aa 41bb", false},
    };

    EXPECT_SHAPES(takes_challenge, shapes);
}

Test(enroll_refused, answers)
{
    static const struct shape shapes[] = {
        {"smallest", GOOD_ANSWER, true},
        {"another message", GOOD_CHALLENGE, false},
        {"label of a result", "85" L_RESULT ID SHA "41aa 41bb", false},
        {"four items", "84" L_ANSWER ID SHA "41aa", false},
        {"six items", "86" L_ANSWER ID SHA "41aa 41bb 41cc", false},
        {"MAC as an array", "85" L_ANSWER ID "8100 41aa 41bb", false},
        {"quote in a long head", "85" L_ANSWER ID SHA "5801aa 41bb", false},
        {"signature null", "85" L_ANSWER ID SHA "41aa f6", false},
    };

    EXPECT_SHAPES(takes_answer, shapes);
}

Test(enroll_refused, results)
{
    static const struct shape shapes[] = {
        {"smallest", GOOD_RESULT, true},
        {"another message", GOOD_REQUEST, false},
        {"label of an answer", "83" L_ANSWER ID "8141cc", false},
        {"two items", "82" L_RESULT ID, false},
        {"four items", "84" L_RESULT ID "8141cc 80", false},
        {"indefinite certificates", "83" L_RESULT ID "9f41ccff", false},
        {"certificate as text", "83" L_RESULT ID "8161cc", false},
    };

    EXPECT_SHAPES(takes_result, shapes);
}

Test(enroll_refused, all_but_the_whole)
{
    struct octets request = octets_from_hex(REQUEST(NAMES, "01", "8141cc", TOKEN));
    struct octets challenge = octets_from_hex(GOOD_CHALLENGE);
    struct octets answer = octets_from_hex(GOOD_ANSWER);
    struct octets result = octets_from_hex(GOOD_RESULT);

    assert_only_whole(octets_slice(request), takes_request);
    assert_only_whole(octets_slice(challenge), takes_challenge);
    assert_only_whole(octets_slice(answer), takes_answer);
    assert_only_whole(octets_slice(result), takes_result);
    free(request.p);
    free(challenge.p);
    free(answer.p);
    free(result.p);
}

/* ---- names ---- */

#define NAMES_MAX 3
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *names[NAMES_MAX];
    bool are_taken;
} lists[] = {
    {{"web.example.org"}, true},
    {{"localhost"}, true},
    {{"xn--mnchen-3ya.example"}, true},
    {{"192.0.2.1"}, true},
    {{"2001:db8::1"}, true},
    {{"::1"}, true},
    {{L63 "." L63 "." L63 "." L61}, true},
    {{"10.0.0.1", "a.example", "b.example"}, true},
    {{"a", "a.b", "aa"}, true}, /* '.' is before letters, the end before all */
    {{"a", "b", "aa"}, false},  /* bytewise, not by length */
    {{"b.example", "a.example"}, false},
    {{"a.example", "c.example", "b.example"}, false},
    {{"a.example", "a.example"}, false},
    {{"aa", "a"}, false},
    {{""}, false},
    {{"*"}, false},
    {{"*.example.org"}, false},
    {{"w*.example.org"}, false},
    {{"Web.example.org"}, false},
    {{"web.example.org."}, false},
    {{".example.org"}, false},
    {{"web..org"}, false},
    {{"-web.org"}, false},
    {{"web-.org"}, false},
    {{"web example"}, false},
    {{"web.example:443"}, false},
    {{"https://web.example"}, false},
    {{"web,db"}, false},
    {{"m\xc3\xbcnchen.example"}, false},
    {{"web\x7f"}, false},
    {{"192.0.2.01"}, false},
    {{"192.0.2"}, false},
    {{"192.0.2.1.5"}, false},
    {{"3221225985"}, false},
    {{"[2001:db8::1]"}, false},
    {{"2001:DB8::1"}, false},
    {{"2001:db8:0:0:0:0:0:1"}, false},
    {{"2001:0db8::1"}, false},
    {{"fe80::1%eth0"}, false},
    {{"::ffff:c000:201"}, false},
    {{"::ffff:192.0.2.1"}, false},
    {{"::192.0.2.1"}, false},
    {{L63 "a.example"}, false},
    {{L63 "." L63 "." L63 "." L61 "a"}, false},
};

/* What is before the names and behind them in a request. */
static const char BEFORE[] = "88" L_REQUEST SHA;
static const char BEHIND[] = "01 41aa 8141cc 41bb 80";

Test(enroll_refused, names)
{
    struct octets before = octets_from_hex(BEFORE), behind = octets_from_hex(BEHIND);

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct ratls_enroll_request request = {.nonce = ratls_slice(before.p, 32),
                                               .ek_template = 1,
                                               .ek_public = ratls_slice("a", 1),
                                               .ek_certificates = {ratls_slice("a", 1)},
                                               .ek_certificate_count = 1,
                                               .ak_public = ratls_slice("a", 1)};
        uint8_t bytes[1024], out[1024];
        struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
        struct ratls_writer written = ratls_writer(out, sizeof out);
        size_t count = 0;

        while (count < NAMES_MAX && lists[i].names[count] != NULL) {
            const char *name = lists[i].names[count];

            request.names[count++] = ratls_slice(name, strlen(name));
        }
        request.name_count = count;
        ratls_write_bytes(&w, octets_slice(before));
        ratls_cbor_put_array(&w, count);
        for (size_t j = 0; j < count; j++)
            ratls_cbor_put_text(&w, request.names[j]);
        ratls_write_bytes(&w, octets_slice(behind));
        cr_expect_eq(takes_request(ratls_writer_slice(&w)), lists[i].are_taken, "read: %s",
                     lists[i].names[0]);
        ratls_enroll_request_write(&request, &written);
        cr_expect_eq(!written.failed, lists[i].are_taken, "written: %s", lists[i].names[0]);
    }
    free(before.p);
    free(behind.p);
}

/* A NUL ends a text for some who read it: behind it there could be another name. */
Test(enroll_refused, a_name_with_a_nul)
{
    struct octets read = octets_from_hex(REQUEST("81 63 610062", "01", "8141cc", "80"));
    struct octets last = octets_from_hex(REQUEST("81 62 6100", "01", "8141cc", "80"));

    cr_expect_not(takes_request(octets_slice(read)));
    cr_expect_not(takes_request(octets_slice(last)));
    free(read.p);
    free(last.p);
}

Test(enroll_refused, writers_of_half_a_token)
{
    struct ratls_enroll_request request;
    struct octets in = octets_from_hex(REQUEST(NAMES, "01", "8141cc", TOKEN));
    struct ratls_slice id, mac;
    uint8_t out[1024];

    cr_assert(ratls_enroll_request_read(octets_slice(in), &request));
    id = request.token_id;
    mac = request.token_mac;
    for (int i = 0; i < 4; i++) {
        struct ratls_writer w = ratls_writer(out, sizeof out);

        request.token_id = (i & 1) != 0 ? id : ratls_slice(NULL, 0);
        request.token_mac = (i & 2) != 0 ? mac : ratls_slice(NULL, 0);
        ratls_enroll_request_write(&request, &w);
        cr_expect_eq(!w.failed, i == 0 || i == 3, "case %d", i);
    }
    free(in.p);
}
