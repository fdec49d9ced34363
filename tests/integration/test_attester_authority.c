/* Time stamps of an authority, by HTTP: one that works, and the ways in which it may not. */
#include <arpa/inet.h>
#include <openssl/ts.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "attester_fixture.h"
#include "fake_tsa.h"

#define REQUEST_MAX 4096
#define ANSWER_MAX (RATLS_TOKEN_MAX + 512)

enum manner {
    WORKS,
    ERRS,         /* 503 */
    STAYS_SILENT, /* takes the request, and does not answer */
    STAMPS_OTHER, /* answers with a time stamp that it had */
    SENDS_NOISE,
    REJECTS, /* PKIStatus 2 */
};

static struct fake_tsa *tsa;
static atomic_int manner;
static atomic_bool is_asked; /* by one who gets no answer */
static atomic_uint asked;
static int listener = -1;
static char url[64];
static pthread_t server;
static atomic_uint notices;
static char last_notice[512];

static void hear(void *arg, const char *text)
{
    (void)arg;
    snprintf(last_notice, sizeof last_notice, "%s", text);
    atomic_fetch_add(&notices, 1);
}

/* The body of a POST; its length, 0 if the client is gone. */
static size_t read_request(int fd, uint8_t *out, const uint8_t **ret_body)
{
    size_t len = 0, wanted = 0;
    const char *end = NULL;

    while (len < REQUEST_MAX) {
        const char *length;
        ssize_t n = recv(fd, out + len, REQUEST_MAX - len, 0);

        if (n <= 0)
            return 0;
        len += (size_t)n;
        end = memmem(out, len, "\r\n\r\n", 4);
        length = memmem(out, len, "Content-Length: ", 16);
        if (end == NULL || length == NULL)
            continue;
        wanted = strtoul(length + 16, NULL, 10);
        *ret_body = (const uint8_t *)end + 4;
        if (len - (size_t)(*ret_body - out) >= wanted)
            return wanted;
    }
    return 0;
}

/* TimeStampResp: a status, and the token. */
static size_t write_answer(const uint8_t *body, size_t body_len, uint8_t *out)
{
    static const uint8_t status[] = {0x30, 0x03, 0x02, 0x01};
    const unsigned char *p = body;
    TS_REQ *query = d2i_TS_REQ(NULL, &p, (long)body_len);
    struct fake_stamp stamp = {.time = (int64_t)time(NULL)};
    uint8_t token[RATLS_TOKEN_MAX];
    struct ratls_writer w = ratls_writer(out, ANSWER_MAX);
    size_t len;

    cr_assert_not_null(query);
    if (atomic_load(&manner) != STAMPS_OTHER)
        stamp.imprint =
            ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(query)));
    len = fake_tsa_token(tsa, &stamp, token);
    TS_REQ_free(query);
    ratls_write_u8(&w, 0x30);
    ratls_write_u8(&w, 0x82);
    ratls_write_u16(&w, (uint16_t)(sizeof status + 1 + len));
    ratls_write_bytes(&w, ratls_slice(status, sizeof status));
    ratls_write_u8(&w, atomic_load(&manner) == REJECTS ? 2 : 0);
    ratls_write_bytes(&w, ratls_slice(token, len));
    cr_assert_not(w.failed);
    return w.len;
}

static void answer(int fd)
{
    static uint8_t request[REQUEST_MAX], out[ANSWER_MAX];
    const uint8_t *body = NULL;
    size_t len = read_request(fd, request, &body);
    char head[160];
    char ignored;

    if (len == 0)
        return;
    atomic_fetch_add(&asked, 1);
    if (atomic_load(&manner) == STAYS_SILENT) {
        atomic_store(&is_asked, true);
        (void)!recv(fd, &ignored, 1, 0); /* until the client leaves */
        atomic_store(&is_asked, false);
        return;
    }
    len = write_answer(body, len, out);
    if (atomic_load(&manner) == ERRS) /* OpenSSL 3.5 gives the body of an error, too */
        len = 0;
    if (atomic_load(&manner) == SENDS_NOISE)
        memset(out + 8, 0xee, len - 8);
    snprintf(head, sizeof head,
             "HTTP/1.0 %s\r\nContent-Type: application/timestamp-reply\r\n"
             "Content-Length: %zu\r\n\r\n",
             atomic_load(&manner) == ERRS ? "503 down" : "200 OK", len);
    (void)!send(fd, head, strlen(head), MSG_NOSIGNAL);
    (void)!send(fd, out, len, MSG_NOSIGNAL);
}

static void *serve(void *ignored)
{
    int fd;

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        answer(fd);
        close(fd);
    }
    return ignored;
}

static void begin(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    tsa = fake_tsa_new(NULL);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0 &&
              listen(listener, 8) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/stamp", ntohs(address.sin_port));
    cr_assert_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

static void end(void)
{
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    fake_tsa_free(tsa);
    tear_down();
}

TestSuite(attester_authority, .init = begin, .fini = end, .timeout = 180);

static struct ratls_attester *new_epochs(unsigned epoch_s)
{
    const struct ratls_tpm_options options = {.state_dir = f.state,
                                              .deadline_ms = 20000,
                                              .boot_log = "",
                                              .ima_list = "",
                                              .epoch = url,
                                              .epoch_s = epoch_s,
                                              .notice = hear};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    return attester;
}

/* How many of `count` sessions, one after the other, have evidence of an epoch. */
static unsigned count_shared(struct ratls_attester *attester, unsigned count, unsigned pause_ms)
{
    unsigned shared = 0;

    for (unsigned i = 0; i < count; i++) {
        struct ratls_attest_request request = new_request((uint8_t)i);
        struct sample *s;

        memset(request.spki_sha256, 0x77, sizeof request.spki_sha256);
        request.offers = RATLS_OFFER_EPOCH;
        s = attest(attester, &request);
        shared += s->evidence.token.len != 0;
        free(s);
        sleep_ms(pause_ms);
    }
    return shared;
}

static bool wait_for(struct ratls_attester *attester, bool is_shared)
{
    const uint64_t limit = now_ms() + 40000;

    while (now_ms() < limit)
        if ((count_shared(attester, 1, 20) == 1) == is_shared)
            return true;
    return false;
}

/* Renewed when half is over, and quoted before it begins: no session waits, none is without. */
Test(attester_authority, renews)
{
    struct ratls_attester *attester = new_epochs(6);

    cr_assert(wait_for(attester, true), "%s", last_notice);
    cr_expect_eq(count_shared(attester, 80, 100), 80);
    cr_expect_geq(atomic_load(&asked), 3);
    cr_expect_eq(atomic_load(&notices), 0);
    attester->free(attester);
}

/* For two epochs. */
static bool is_left_alone(void)
{
    const unsigned before = atomic_load(&asked);

    sleep_ms(2000);
    return atomic_load(&asked) == before;
}

/* Nobody asks, so nobody is asked. */
Test(attester_authority, rests)
{
    struct ratls_attester *attester = new_epochs(1);

    cr_assert(wait_for(attester, true), "%s", last_notice);
    assert_soon(is_left_alone());
    cr_expect(wait_for(attester, true), "%s", last_notice);
    attester->free(attester);
}

Test(attester_authority, fails)
{
    static const struct {
        enum manner manner;
        const char *words;
    } cases[] = {
        {ERRS, "the authority gave no answer of use: "},
        {STAMPS_OTHER, "the time stamp is of something else"},
        {SENDS_NOISE, "no time stamp"},
        {REJECTS, "no time stamp was granted"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_attester *attester = new_epochs(60);
        const uint64_t limit = now_ms() + 20000;

        atomic_store(&manner, cases[i].manner);
        atomic_store(&notices, 0);
        while (atomic_load(&notices) == 0 && now_ms() < limit)
            cr_expect_eq(count_shared(attester, 1, 20), 0);
        cr_expect_not_null(strstr(last_notice, cases[i].words), "%s", last_notice);
        cr_expect_eq(count_shared(attester, 5, 10), 0);
        cr_expect_eq(atomic_load(&notices), 1);
        attester->free(attester);
    }
}

/* It goes away, and comes back. */
Test(attester_authority, comes_back)
{
    struct ratls_attester *attester = new_epochs(2);

    cr_assert(wait_for(attester, true), "%s", last_notice);
    atomic_store(&manner, ERRS);
    cr_assert(wait_for(attester, false));
    atomic_store(&manner, WORKS);
    cr_assert(wait_for(attester, true), "%s", last_notice);
    cr_expect_eq(atomic_load(&notices), 2);
    attester->free(attester);
}

/* No session waits for an authority that is silent, nor does the end of the attester, for long. */
Test(attester_authority, is_silent)
{
    const unsigned threads = count_threads();
    struct ratls_attester *attester = new_epochs(60);

    atomic_store(&manner, STAYS_SILENT);
    cr_expect_eq(count_shared(attester, 1, 0), 0);
    assert_soon(atomic_load(&is_asked));
    cr_expect_eq(count_shared(attester, 3, 0), 0);
    cr_expect(atomic_load(&is_asked), "the authority was waited for");
    attester->free(attester);
    cr_expect(atomic_load(&is_asked), "the authority was waited for");
    wait_for_threads(threads); /* also for the one that was left behind */
}
