/*
 * Target: ratls_appraise, with all its checks. The input is evidence; and, but for its first byte,
 * one item in evidence that is otherwise good, so that the checks behind that item are reached.
 */
#include <ratls/verifier.h>
#include <string.h>

#include "fake_policy.h"
#include "fuzz.h"
#include "pki.h"

static struct fake_tpm *tpm;
static struct ratls_policy *policy;
static struct fake_draft *good;
static struct ratls_expectation expectation = {
    .mode = RATLS_MODE_HANDSHAKE,
    .role = RATLS_ROLE_SERVER,
    .tls_version = 0x0304,
    .cipher_suite = 0x1301,
    .nonce = {1},
    .binder = {2},
    .server_name = "bank.example",
    .now = 1800000000,
};

static enum ratls_status appraise(struct ratls_slice evidence)
{
    struct ratls_report *report = NULL;
    enum ratls_status status =
        ratls_appraise(policy, &expectation, evidence.p, evidence.len, &report, NULL);
    char *text = NULL;

    FUZZ_CHECK(status == RATLS_OK || status == RATLS_REJECTED);
    FUZZ_CHECK((status == RATLS_OK) == ratls_report_accepted(report));
    FUZZ_CHECK(ratls_report_text(report, 0, &text) == RATLS_OK);
    for (const char *p = text; *p != '\0'; p++)
        FUZZ_CHECK(*p == '\n' || (*p >= ' ' && *p <= '~'));
    free(text);
    ratls_report_free(report);
    return status;
}

/* Only good evidence is good: nobody can sign another without the key, which no input has. */
static void check_evidence(struct ratls_slice evidence)
{
    bool is_good = ratls_slice_equal(evidence, ratls_slice(good->wire, good->wire_len));

    FUZZ_CHECK(appraise(evidence) == (is_good ? RATLS_OK : RATLS_REJECTED));
}

static void begin(void)
{
    struct ratls_attest_request request;

    tpm = fake_tpm_new(FAKE_ECDSA_P256);
    policy = fake_policy_new(tpm);
    fake_policy_pin(policy, tpm, NULL);
    tpm->tls_key = pki_key(PKI_P256);
    fake_spki_sha256(tpm->tls_key, expectation.spki_sha256);
    fake_policy_rules(policy)->needs_tpm_tls_key = true;
    fake_request(&expectation, &fake_policy_rules(policy)->selection, &request);
    request.offers = RATLS_OFFER_TLS_KEY;
    good = fake_tpm_attest(tpm, &request, NULL, NULL);
    check_evidence(ratls_slice(good->wire, good->wire_len));
}

static void replace_item(struct ratls_evidence *evidence, uint8_t which, struct ratls_slice item)
{
    struct ratls_slice *const items[] = {&evidence->statement,  &evidence->attest,
                                         &evidence->signature,  &evidence->ak_public,
                                         &evidence->pcr_values, &evidence->certificates[0],
                                         &evidence->tls_key};
    const size_t count = sizeof items / sizeof items[0];
    size_t i = which % (count + 1);

    if (i == count) { /* the key by its place, which no request has */
        evidence->is_ak_named = true;
        evidence->ak_index = item.p[0] % RATLS_KEY_IDS_MAX;
        evidence->ak_public = ratls_slice(NULL, 0);
        return;
    }
    *items[i] = item;
    if (items[i] == &evidence->certificates[0])
        evidence->certificate_count = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[RATLS_EVIDENCE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_evidence evidence;

    if (good == NULL)
        begin();
    check_evidence(ratls_slice(data, size));
    if (size < 2)
        return 0;
    evidence = good->evidence;
    replace_item(&evidence, data[0], ratls_slice(data + 1, size - 1));
    ratls_evidence_write(&evidence, &w);
    if (!w.failed)
        check_evidence(ratls_writer_slice(&w));
    return 0;
}
