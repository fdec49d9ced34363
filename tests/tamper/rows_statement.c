/* Statements that a genuine TPM signed, for another session, peer or purpose. */
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "statement_changes.h"

#define HOURS_25_S 90000

static const uint8_t other[64] = {0xee};

static void change_label(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.label = ratls_slice("ratls-2", 7);
}

static void change_version(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.tls_version = (uint64_t) * (int *)arg;
}

static void change_cipher(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.cipher_suite = (uint64_t) * (int *)arg;
}

static void change_manifest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.manifest = ratls_slice(other, 32);
}

/* After the signature: another certificate of the same key by the same issuer. */
static void swap_certificate(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.certificates[0] =
            ratls_slice(draft->tpm->chain[1], draft->tpm->chain_len[1]);
    if (stage == FAKE_STATEMENT) {
        draft->evidence.certificate_count = 1;
        (void)!ratls_evidence_manifest(&draft->evidence, draft->manifest,
                                       &draft->statement.manifest, NULL);
    }
}

static void add_other_certificate(struct scene *scene)
{
    X509 *certificate = scene_certificate(scene, (struct pki_spec){.subject = "ak again",
                                                                   .key = scene->tpm->key,
                                                                   .names = "DNS:" SCENE_SERVER,
                                                                   .eku = PKI_EKU_AK});

    fake_tpm_add_certificate(scene->tpm, certificate);
    X509_free(certificate);
}

/* After the signature: a certificate that nobody signed for. */
static void append_certificate(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_SIGNED)
        return;
    draft->evidence.certificates[0] = ratls_slice(other, sizeof other);
    draft->evidence.certificate_count = 1;
}

static void name_other_service(struct scene *scene)
{
    snprintf(scene->tpm->service, sizeof scene->tpm->service, "mail");
}

/* The client began again: what it expects is of another session than what comes. */
static void begin_again(struct scene *scene)
{
    memset(scene->expectation.nonce, 0x1a, sizeof scene->expectation.nonce);
    memset(scene->expectation.binder, 0x1b, sizeof scene->expectation.binder);
}

/* One connection shows all that is wrong: nothing hides what does not depend on it. */
static void spoil_machine(struct scene *scene)
{
    scene->tpm->safe = false;
    fake_policy_deny_firmware(scene->policy, scene->tpm->firmware_version);
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 0)[0] ^= 1;
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7)[31] ^= 1;
}

static void wait_25_hours(struct scene *scene)
{
    scene->expectation.now += HOURS_25_S;
}

static void go_back_301_seconds(struct scene *scene)
{
    scene->expectation.now -= 301;
}

static const struct row rows[] = {
    {.name = "another protocol",
     .check = RATLS_CHECK_STATEMENT_LABEL,
     .tamper = change_label,
     .at = "statement.label",
     .expected = "ratls-1",
     .actual = "ratls-2"},
    {.name = "mode certificate in a handshake",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .tamper = change_mode,
     .param = RATLS_MODE_CERTIFICATE,
     .expected = "0x0002",
     .actual = "0x0001"},
    {.name = "mode handshake in a certificate",
     .check = RATLS_CHECK_STATEMENT_MODE,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_mode,
     .param = RATLS_MODE_HANDSHAKE},
    {.name = "made by a client",
     .check = RATLS_CHECK_STATEMENT_ROLE,
     .tamper = change_role,
     .param = RATLS_ROLE_CLIENT,
     .expected = "0x0001",
     .actual = "0x0002"},
    {.name = "made for TLS 1.2",
     .check = RATLS_CHECK_STATEMENT_TLS,
     .tamper = change_version,
     .param = 0x0303,
     .at = "statement.tls-version",
     .expected = "0x0304",
     .actual = "0x0303"},
    {.name = "made for another cipher suite",
     .check = RATLS_CHECK_STATEMENT_TLS,
     .tamper = change_cipher,
     .param = 0x1302,
     .at = "statement.cipher-suite",
     .expected = "0x1301",
     .actual = "0x1302"},
    {.name = "a session in a certificate",
     .check = RATLS_CHECK_STATEMENT_TLS,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_version,
     .param = 0x0304},
    {.name = "another nonce",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .tamper = change_nonce,
     .param = 32,
     .at = "statement.nonce",
     .expected = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
     .actual = "ee00000000000000000000000000000000000000000000000000000000000000"},
    {.name = "no nonce",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .tamper = change_nonce,
     .param = 0,
     .actual = "empty"},
    {.name = "a nonce in a certificate",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_nonce,
     .param = 32,
     .expected = "empty"},
    {.name = "another session",
     .check = RATLS_CHECK_STATEMENT_BINDER,
     .tamper = change_binder,
     .param = 32},
    {.name = "no session",
     .check = RATLS_CHECK_STATEMENT_BINDER,
     .tamper = change_binder,
     .param = 0,
     .actual = "empty"},
    {.name = "a binder in a certificate",
     .check = RATLS_CHECK_STATEMENT_BINDER,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_binder,
     .param = 32},
    {.name = "replayed",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .also = BIT(STATEMENT_BINDER),
     .meanwhile = begin_again},
    {.name = "replayed, from a machine in another state",
     .check = RATLS_CHECK_STATEMENT_NONCE,
     .also = BIT(STATEMENT_BINDER) | BIT(QUOTE_CLOCK) | BIT(QUOTE_FIRMWARE) | BIT(PCR_VALUE),
     .after = spoil_machine,
     .meanwhile = begin_again},
    {.name = "another server key",
     .check = RATLS_CHECK_STATEMENT_SPKI,
     .tamper = change_spki,
     .at = "statement.spki-sha256"},
    {.name = "another service",
     .check = RATLS_CHECK_STATEMENT_SERVICE,
     .after = name_other_service,
     .expected = "default",
     .actual = "mail"},
    {.name = "a manifest of something else",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .tamper = change_manifest,
     .at = "statement.manifest"},
    {.name = "certificate swapped after the quote",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .trust = ROW_CERTIFIED,
     .after = add_other_certificate,
     .tamper = swap_certificate},
    {.name = "certificate added after the quote",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .tamper = append_certificate},
    {.name = "a context in a handshake",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .tamper = change_context,
     .param = 8,
     .expected = "empty",
     .actual = "ee00000000000000"},
    {.name = "no time of issue",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .not_run = BIT(EVIDENCE_AGE),
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_context,
     .param = 0,
     .expected = "8 bytes, the time of issue",
     .actual = "0 bytes"},
    {.name = "a time of 9 bytes",
     .check = RATLS_CHECK_STATEMENT_CONTEXT,
     .not_run = BIT(EVIDENCE_AGE),
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_context,
     .param = 9},
    {.name = "a day old and an hour more",
     .check = RATLS_CHECK_EVIDENCE_AGE,
     .mode = RATLS_MODE_CERTIFICATE,
     .meanwhile = wait_25_hours,
     .expected = "at most 24 h 0 min old",
     .actual = "25 h 0 min old"},
    {.name = "from the future",
     .check = RATLS_CHECK_EVIDENCE_AGE,
     .mode = RATLS_MODE_CERTIFICATE,
     .meanwhile = go_back_301_seconds,
     .actual = "5 min 1 s in the future"},
    {.name = "from the end of time",
     .check = RATLS_CHECK_EVIDENCE_AGE,
     .mode = RATLS_MODE_CERTIFICATE,
     .tamper = change_context,
     .param = 8},
};

const struct rows rows_statement = {rows, sizeof rows / sizeof rows[0]};
