/*
 * Targets: ratls_epoch_session_read, ratls_epoch_session_write; ratls_token_find, ratls_token_read,
 * ratls_token_verify, which hand a peer's bytes to OpenSSL. The input is a session, and a token;
 * and, behind its first two bytes, what is written over a good token from there on, so that what
 * OpenSSL does behind its parser is reached.
 */
#include <string.h>
#include <time.h>

#include "fake_tsa.h"
#include "fuzz.h"

#define NOW 1800000000
#define AT_LEN 2

static struct fake_tsa *tsa;
static struct ratls_authorities authorities;
static uint8_t good[RATLS_TOKEN_MAX];
static size_t good_len;

static void begin(void)
{
    const struct fake_stamp stamp = {.time = NOW, .accuracy_s = 1};

    tsa = fake_tsa_new(NULL);
    authorities.certificates = &tsa->certificate;
    authorities.count = 1;
    good_len = fake_tsa_token(tsa, &stamp, good);
}

/* What is signed by nobody else than the authority says nothing else than it signed. */
static bool verify(struct ratls_slice token)
{
    const int64_t now = (int64_t)time(NULL); /* the certificate is of now */
    char why[RATLS_TOKEN_WHY_MAX] = "unset";
    struct ratls_token read = {0}, verified = {0};
    struct ratls_error err = {0};

    FUZZ_CHECK(ratls_token_read(token, &read, why, &err) == RATLS_OK);
    FUZZ_CHECK(memchr(why, '\0', sizeof why) != NULL);
    FUZZ_CHECK(why[0] != '\0' || (read.time > 0 && token.len <= RATLS_TOKEN_MAX));
    FUZZ_CHECK(ratls_token_verify(token, &authorities, now, &verified, why, &err) == RATLS_OK);
    if (why[0] != '\0')
        return false;
    FUZZ_CHECK(verified.time == NOW && verified.accuracy_s == 1);
    FUZZ_CHECK(read.time == NOW);
    return true;
}

static void check_find(struct ratls_slice in)
{
    struct ratls_slice token = ratls_token_find(in);

    FUZZ_CHECK(token.len == 0 || (token.p >= in.p && token.p + token.len == in.p + in.len));
}

static void check_session(struct ratls_slice in)
{
    unsigned long before = fuzz_allocations();
    struct ratls_epoch_session session;
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    if (ratls_epoch_session_read(in, &session)) {
        FUZZ_CHECK(ratls_epoch_session_valid(&session));
        ratls_epoch_session_write(&session, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
    }
    FUZZ_CHECK(fuzz_allocations() == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t changed[RATLS_TOKEN_MAX];
    struct ratls_slice in = ratls_slice(data, size);
    size_t at, len;

    if (tsa == NULL) {
        begin();
        FUZZ_CHECK(verify(ratls_slice(good, good_len)));
    }
    check_session(in);
    check_find(in);
    FUZZ_CHECK(!verify(in)); /* nobody has the key of this run */
    if (size < AT_LEN)
        return 0;
    at = (size_t)(data[0] << 8 | data[1]) % good_len;
    len = size - AT_LEN < good_len - at ? size - AT_LEN : good_len - at;
    memcpy(changed, good, good_len);
    memcpy(changed + at, data + AT_LEN, len);
    (void)verify(ratls_slice(changed, good_len));
    return 0;
}
