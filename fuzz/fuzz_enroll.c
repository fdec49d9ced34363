/*
 * Targets: the readers and writers of ratls_enroll_request, _challenge, _answer and _result; each
 * input is given to all of them. ratls_enroll_token_mac, which allocates (OpenSSL).
 */
#include "enroll_message.h"
#include "fuzz.h"

static uint8_t out[RATLS_ENROLL_REQUEST_MAX];

static void check_same(const struct ratls_writer *w, struct ratls_slice in)
{
    FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(w), in));
}

static bool check_request(struct ratls_slice in, struct ratls_enroll_request *request)
{
    struct ratls_writer w = ratls_writer(out, sizeof out);

    if (!ratls_enroll_request_read(in, request))
        return false;
    FUZZ_CHECK(request->name_count >= 1 && request->name_count <= RATLS_ENROLL_NAMES_MAX);
    FUZZ_CHECK(request->ek_certificate_count <= RATLS_ENROLL_EK_CERTIFICATES_MAX);
    ratls_enroll_request_write(request, &w);
    check_same(&w, in);
    return true;
}

static bool check_challenge(struct ratls_slice in)
{
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_enroll_challenge challenge;

    if (!ratls_enroll_challenge_read(in, &challenge))
        return false;
    ratls_enroll_challenge_write(&challenge, &w);
    check_same(&w, in);
    return true;
}

static bool check_answer(struct ratls_slice in)
{
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_enroll_answer answer;

    if (!ratls_enroll_answer_read(in, &answer))
        return false;
    ratls_enroll_answer_write(&answer, &w);
    check_same(&w, in);
    return true;
}

static bool check_result(struct ratls_slice in)
{
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_enroll_result result;

    if (!ratls_enroll_result_read(in, &result))
        return false;
    FUZZ_CHECK(result.certificate_count <= RATLS_ENROLL_CERTIFICATES_MAX);
    ratls_enroll_result_write(&result, &w);
    check_same(&w, in);
    return true;
}

/* A token's MAC is that of the request before the token was in it. */
static void check_token_mac(struct ratls_slice in, struct ratls_enroll_request *request)
{
    static const uint8_t key[RATLS_ENROLL_MAC_LEN];
    const struct ratls_slice key_slice = ratls_slice(key, sizeof key);
    struct ratls_writer w = ratls_writer(out, sizeof out);
    uint8_t with[RATLS_ENROLL_MAC_LEN], without[RATLS_ENROLL_MAC_LEN];

    request->token_id = request->token_mac = ratls_slice(NULL, 0);
    ratls_enroll_request_write(request, &w);
    FUZZ_CHECK(ratls_enroll_token_mac(key_slice, in, with, NULL) == RATLS_OK);
    FUZZ_CHECK(ratls_enroll_token_mac(key_slice, ratls_writer_slice(&w), without, NULL) ==
               RATLS_OK);
    FUZZ_CHECK(
        ratls_slice_equal(ratls_slice(with, sizeof with), ratls_slice(without, sizeof without)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned long before = fuzz_allocations();
    const struct ratls_slice in = ratls_slice(data, size);
    struct ratls_enroll_request request;
    bool is_request = check_request(in, &request);
    int taken = is_request;

    taken += check_challenge(in);
    taken += check_answer(in);
    taken += check_result(in);
    FUZZ_CHECK(taken <= 1);
    FUZZ_CHECK(fuzz_allocations() == before);
    if (is_request)
        check_token_mac(in, &request);
    return 0;
}
