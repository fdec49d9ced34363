/*
 * Targets: what 'ratls show' prints of any file: ratls_capture_read, ratls_certificate_read,
 * ratls_csr_read and ratls_describe_*, the messages of an enrolment, those of logs and quotes too,
 * the files beside them (ratls_pcr_values_read, ratls_ak_read, ratls_signature_file). JSON must be
 * ASCII without control characters.
 */
#include <openssl/err.h>
#include <string.h>

#include "capture.h"
#include "describe.h"
#include "describe_enroll.h"
#include "describe_logs.h"
#include "describe_quote.h"
#include "fuzz.h"
#include "pcr_compare.h"
#include "quote_file.h"
#include "x509_file.h"

/* Values to compare with: those of the input itself, where it has any. */
static struct ratls_pcr_values *expected;

static void describe_measured(struct ratls_view *v, struct ratls_slice in)
{
    struct ratls_quote_files files = {.expected = expected};

    if (ratls_is_attestation(in, &files.attest))
        (void)ratls_describe_quote(v, &files);
    if (ratls_is_ima_list(in))
        (void)ratls_describe_ima(v, in, expected);
    if (ratls_is_eventlog(in))
        (void)ratls_describe_eventlog(v, in, expected);
    if (expected != NULL) {
        ratls_describe_pcr_values(v, "pcrs", expected, "");
        (void)ratls_describe_comparison(v, expected, expected);
    }
}

static void describe(struct ratls_view *v, struct ratls_slice in)
{
    struct ratls_capture capture;
    struct ratls_tpm_public key;
    X509 *certificate = ratls_certificate_read(in);
    X509_REQ *csr = ratls_csr_read(in);

    (void)ratls_describe_evidence(v, in);
    if (ratls_capture_read(in, &capture))
        ratls_describe_capture(v, &capture);
    if (ratls_tpm_read_public(in, &key))
        ratls_describe_key(v, &key);
    if (certificate != NULL)
        ratls_describe_certificate(v, certificate);
    if (csr != NULL)
        ratls_describe_csr(v, csr);
    ratls_describe_enroll_message(v, in);
    describe_measured(v, in);
    X509_free(certificate);
    X509_REQ_free(csr);
    ERR_clear_error();
}

static void show(struct ratls_slice in, bool json)
{
    struct ratls_view v;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    FUZZ_CHECK(out != NULL);
    ratls_view_begin(&v, out, json, "title");
    describe(&v, in);
    ratls_view_end(&v);
    FUZZ_CHECK(v.depth == 0);
    FUZZ_CHECK(fclose(out) == 0);
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    free(text);
}

static void check_round_trip(struct ratls_slice in)
{
    const struct ratls_log_request request = {.ima_bank = RATLS_ALG_SHA256};
    struct ratls_pieces pieces = {0};
    struct ratls_capture_more more;
    struct ratls_capture capture;
    struct ratls_slice piece;
    struct ratls_writer w;
    uint8_t *out;

    if (!ratls_capture_read(in, &capture))
        return;
    more = ratls_capture_more(&capture);
    while (more.more.fetch(&more.more, &request, &piece, NULL) == RATLS_OK)
        ratls_pieces_keep(&pieces, piece);
    FUZZ_CHECK(pieces.failed || pieces.count == capture.more_count);
    out = malloc(in.len);
    FUZZ_CHECK(out != NULL);
    w = ratls_writer(out, in.len);
    ratls_capture_write(&capture.expectation, capture.evidence, &pieces, &w);
    FUZZ_CHECK(pieces.failed || ratls_slice_equal(ratls_writer_slice(&w), in));
    ratls_pieces_clear(&pieces);
    free(out);
}

/* The input as a key, and as a signature by it over itself. */
static void check_signature(struct ratls_slice in)
{
    struct ratls_signature_file signature = ratls_signature_file(in);
    EVP_PKEY *key = ratls_ak_read(in);
    bool is_good = true;
    uint16_t hash;

    if (key != NULL &&
        ratls_signature_file_check(&signature, key, in, &is_good, &hash, NULL) == RATLS_OK)
        FUZZ_CHECK(!is_good);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    expected = NULL;
    (void)!ratls_pcr_values_read(ratls_slice(data, size), &expected, NULL);
    show(ratls_slice(data, size), false);
    show(ratls_slice(data, size), true);
    check_round_trip(ratls_slice(data, size));
    check_signature(ratls_slice(data, size));
    free(expected);
    return 0;
}
