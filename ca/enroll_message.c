#include "enroll_message.h"

#include <string.h>

#include "cbor.h"
#include "ek_template.h"
#include "evidence.h"
#include "policy_names.h"

#define REQUEST_ITEMS 8
#define CHALLENGE_ITEMS 6
#define ANSWER_ITEMS 5
#define RESULT_ITEMS 3
#define TOKEN_ITEMS 2

#define SHA256_LEN 32
#define DNS_NAME_MAX 253 /* RFC 1035, 2.3.4: 255 octets as the DNS writes them */
#define BLOB_MAX 256
#define SECRET_MAX 1024

/*
 * A message is walked in the same way to read it and to write it: so both have the same limits, and
 * what one takes is what the other makes.
 */
struct walk {
    struct ratls_cbor in;
    struct ratls_writer *out; /* NULL: it reads */
};

/* ---- steps ---- */

static struct walk begin_reading(struct ratls_slice in, size_t max)
{
    struct walk walk = {.in = ratls_cbor(in)};

    walk.in.failed = in.len > max;
    return walk;
}

static void fail(struct walk *walk)
{
    if (walk->out == NULL)
        walk->in.failed = true;
    else
        walk->out->failed = true;
}

static void walk_head(struct walk *walk, size_t items, const char *label)
{
    if (walk->out == NULL) {
        ratls_cbor_array(&walk->in, items, items);
        ratls_cbor_expect_text(&walk->in, label);
        return;
    }
    ratls_cbor_put_array(walk->out, items);
    ratls_cbor_put_text(walk->out, ratls_slice(label, strlen(label)));
}

/* A count out of its limits becomes 0: nothing is looked at that is not there. */
static void walk_count(struct walk *walk, size_t min, size_t max, size_t *count)
{
    if (walk->out == NULL) {
        *count = ratls_cbor_array(&walk->in, min, max);
        return;
    }
    if (*count < min || *count > max) {
        fail(walk);
        *count = 0;
    }
    ratls_cbor_put_array(walk->out, *count);
}

static void walk_uint(struct walk *walk, uint64_t *value)
{
    if (walk->out == NULL)
        *value = ratls_cbor_uint(&walk->in, UINT64_MAX);
    else
        ratls_cbor_put_uint(walk->out, *value);
}

static void walk_bytes(struct walk *walk, size_t min, size_t max, struct ratls_slice *bytes)
{
    if (walk->out == NULL)
        *bytes = ratls_cbor_bytes(&walk->in, min, max);
    else if (bytes->len >= min && bytes->len <= max)
        ratls_cbor_put_bytes(walk->out, *bytes);
    else
        fail(walk);
}

static void walk_certificates(struct walk *walk, size_t max, struct ratls_slice *certificates,
                              size_t *count)
{
    walk_count(walk, 1, max, count);
    for (size_t i = 0; i < *count; i++)
        walk_bytes(walk, 1, RATLS_CERTIFICATE_MAX, &certificates[i]);
}

/* ---- names ---- */

/* IPv6 addresses that stand for IPv4 ones (RFC 4291, 2.5.5) would be second names of those. */
static bool is_mixed_address(struct ratls_slice name)
{
    return memchr(name.p, ':', name.len) != NULL && memchr(name.p, '.', name.len) != NULL;
}

/* Whether it is the one form of a DNS name or an address, and speaks for one machine alone. */
static bool is_name(struct ratls_slice name)
{
    char text[DNS_NAME_MAX + 1], normal[RATLS_NAME_SIZE];

    if (name.len < 1 || name.len > DNS_NAME_MAX || name.p[0] == '*' || is_mixed_address(name))
        return false;
    memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    return ratls_name_normalise(text, normal) == NULL &&
           ratls_slice_equal(name, ratls_slice(normal, strlen(normal)));
}

/* Bytewise; of two that begin alike the shorter one is first. */
static bool is_before(struct ratls_slice a, struct ratls_slice b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

    return order < 0 || (order == 0 && a.len < b.len);
}

static void walk_names(struct walk *walk, struct ratls_enroll_request *request)
{
    walk_count(walk, 1, RATLS_ENROLL_NAMES_MAX, &request->name_count);
    for (size_t i = 0; i < request->name_count; i++) {
        struct ratls_slice *name = &request->names[i];

        if (walk->out == NULL)
            *name = ratls_cbor_text(&walk->in, 1, DNS_NAME_MAX);
        if (!is_name(*name) || (i > 0 && !is_before(name[-1], *name))) {
            fail(walk);
            return;
        }
        if (walk->out != NULL)
            ratls_cbor_put_text(walk->out, *name);
    }
}

/* ---- messages ---- */

static void walk_template(struct walk *walk, unsigned *ek_template)
{
    uint64_t number = *ek_template;

    walk_uint(walk, &number);
    if (number > UINT8_MAX || ratls_ek_profile((unsigned)number) == NULL)
        fail(walk);
    *ek_template = (unsigned)number;
}

static void walk_token(struct walk *walk, struct ratls_enroll_request *request)
{
    bool has_token = request->token_id.len > 0 || request->token_mac.len > 0;
    size_t items = has_token ? TOKEN_ITEMS : 0;

    walk_count(walk, 0, TOKEN_ITEMS, &items);
    if (items == 0)
        return;
    if (items != TOKEN_ITEMS)
        fail(walk);
    walk_bytes(walk, RATLS_ENROLL_TOKEN_ID_LEN, RATLS_ENROLL_TOKEN_ID_LEN, &request->token_id);
    walk_bytes(walk, RATLS_ENROLL_MAC_LEN, RATLS_ENROLL_MAC_LEN, &request->token_mac);
}

static void walk_request(struct walk *walk, struct ratls_enroll_request *request)
{
    walk_head(walk, REQUEST_ITEMS, "ratls-enroll-request-1");
    walk_bytes(walk, RATLS_ENROLL_NONCE_LEN, RATLS_ENROLL_NONCE_LEN, &request->nonce);
    walk_names(walk, request);
    walk_template(walk, &request->ek_template);
    walk_bytes(walk, 1, RATLS_TPM_STRUCTURE_MAX, &request->ek_public);
    walk_certificates(walk, RATLS_ENROLL_EK_CERTIFICATES_MAX, request->ek_certificates,
                      &request->ek_certificate_count);
    walk_bytes(walk, 1, RATLS_TPM_STRUCTURE_MAX, &request->ak_public);
    walk_token(walk, request);
}

static void walk_challenge(struct walk *walk, struct ratls_enroll_challenge *challenge)
{
    walk_head(walk, CHALLENGE_ITEMS, "ratls-enroll-challenge-1");
    walk_bytes(walk, RATLS_ENROLL_ID_LEN, RATLS_ENROLL_ID_LEN, &challenge->id);
    walk_bytes(walk, SHA256_LEN, SHA256_LEN, &challenge->request_sha256);
    walk_uint(walk, &challenge->expires);
    walk_bytes(walk, 1, BLOB_MAX, &challenge->credential_blob);
    walk_bytes(walk, 1, SECRET_MAX, &challenge->encrypted_secret);
}

static void walk_answer(struct walk *walk, struct ratls_enroll_answer *answer)
{
    walk_head(walk, ANSWER_ITEMS, "ratls-enroll-answer-1");
    walk_bytes(walk, RATLS_ENROLL_ID_LEN, RATLS_ENROLL_ID_LEN, &answer->id);
    walk_bytes(walk, RATLS_ENROLL_MAC_LEN, RATLS_ENROLL_MAC_LEN, &answer->mac);
    walk_bytes(walk, 1, RATLS_TPM_STRUCTURE_MAX, &answer->attest);
    walk_bytes(walk, 1, RATLS_TPM_STRUCTURE_MAX, &answer->signature);
}

static void walk_result(struct walk *walk, struct ratls_enroll_result *result)
{
    walk_head(walk, RESULT_ITEMS, "ratls-enroll-result-1");
    walk_bytes(walk, RATLS_ENROLL_ID_LEN, RATLS_ENROLL_ID_LEN, &result->id);
    walk_certificates(walk, RATLS_ENROLL_CERTIFICATES_MAX, result->certificates,
                      &result->certificate_count);
}

bool ratls_enroll_request_read(struct ratls_slice in, struct ratls_enroll_request *ret_request)
{
    struct walk walk = begin_reading(in, RATLS_ENROLL_REQUEST_MAX);
    struct ratls_enroll_request request = {0};

    walk_request(&walk, &request);
    if (!ratls_cbor_done(&walk.in))
        return false;
    *ret_request = request;
    return true;
}

/* The longest fields do not all go into one request together. */
void ratls_enroll_request_write(const struct ratls_enroll_request *request, struct ratls_writer *w)
{
    struct walk walk = {.out = w};
    struct ratls_enroll_request copy = *request;
    const size_t before = w->len;

    walk_request(&walk, &copy);
    if (w->len - before > RATLS_ENROLL_REQUEST_MAX)
        w->failed = true;
}

bool ratls_enroll_challenge_read(struct ratls_slice in,
                                 struct ratls_enroll_challenge *ret_challenge)
{
    struct walk walk = begin_reading(in, RATLS_ENROLL_CHALLENGE_MAX);
    struct ratls_enroll_challenge challenge = {0};

    walk_challenge(&walk, &challenge);
    if (!ratls_cbor_done(&walk.in))
        return false;
    *ret_challenge = challenge;
    return true;
}

void ratls_enroll_challenge_write(const struct ratls_enroll_challenge *challenge,
                                  struct ratls_writer *w)
{
    struct walk walk = {.out = w};
    struct ratls_enroll_challenge copy = *challenge;

    walk_challenge(&walk, &copy);
}

bool ratls_enroll_answer_read(struct ratls_slice in, struct ratls_enroll_answer *ret_answer)
{
    struct walk walk = begin_reading(in, RATLS_ENROLL_ANSWER_MAX);
    struct ratls_enroll_answer answer = {0};

    walk_answer(&walk, &answer);
    if (!ratls_cbor_done(&walk.in))
        return false;
    *ret_answer = answer;
    return true;
}

void ratls_enroll_answer_write(const struct ratls_enroll_answer *answer, struct ratls_writer *w)
{
    struct walk walk = {.out = w};
    struct ratls_enroll_answer copy = *answer;

    walk_answer(&walk, &copy);
}

bool ratls_enroll_result_read(struct ratls_slice in, struct ratls_enroll_result *ret_result)
{
    struct walk walk = begin_reading(in, RATLS_ENROLL_RESULT_MAX);
    struct ratls_enroll_result result = {0};

    walk_result(&walk, &result);
    if (!ratls_cbor_done(&walk.in))
        return false;
    *ret_result = result;
    return true;
}

void ratls_enroll_result_write(const struct ratls_enroll_result *result, struct ratls_writer *w)
{
    struct walk walk = {.out = w};
    struct ratls_enroll_result copy = *result;

    walk_result(&walk, &copy);
}
