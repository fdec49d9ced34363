/* Answers: by another TPM, of another key, late, twice, and what is signed in them. */
#include <stdio.h>
#include <string.h>

#include "ca_refused_rows.h"
#include "denied.h"
#include "must.h"

#define DAY_S 86400
#define FIRMWARE "2024012500120000"  /* of fake_tpm_new() */
#define TPM_ST_ATTEST_CERTIFY 0x8017 /* Part 2, 6.9 */

static void change_mac(struct ca_scene *s, struct ca_reply *reply)
{
    (void)s;
    reply->mac[31] ^= 1;
}

static void change_id(struct ca_scene *s, struct ca_reply *reply)
{
    static uint8_t id[RATLS_ENROLL_ID_LEN];

    (void)s;
    memset(id, 0x11, sizeof id);
    reply->answer.id = ratls_slice(id, sizeof id);
}

static void cut_attest(struct ca_scene *s, struct ca_reply *reply)
{
    (void)s;
    reply->answer.attest.len--;
}

static void cut_signature(struct ca_scene *s, struct ca_reply *reply)
{
    (void)s;
    reply->answer.signature.len--;
}

/* What a man in the middle makes of it: the machine saw another request. */
static void of_another_request(struct ca_scene *s)
{
    s->request[40] ^= 1;
}

/* Its endorsement key, and the attestation key of the other: no TPM has both. */
static void ak_of_other(struct ca_scene *s)
{
    const size_t len = fake_tpm_public(s->other.ak, s->wish.ak_public);

    s->wish.request.ak_public = ratls_slice(s->wish.ak_public, len);
}

#define QUOTE(name, when, change)                                                                  \
    static void name(enum fake_stage stage, struct fake_draft *draft, void *arg)                   \
    {                                                                                              \
        (void)arg;                                                                                 \
        if (stage == (when)) {                                                                     \
            change;                                                                                \
        }                                                                                          \
    }

QUOTE(other_magic, FAKE_QUOTE, draft->magic ^= 1)
QUOTE(a_certify, FAKE_QUOTE, draft->type = TPM_ST_ATTEST_CERTIFY)
QUOTE(other_extra_data, FAKE_QUOTE, draft->extra_data.p[0] ^= 1)
QUOTE(no_extra_data, FAKE_QUOTE, draft->extra_data.len = 0)
QUOTE(other_signer, FAKE_ATTEST, draft->signer = ca_scene.other.ak->key)
QUOTE(other_hash, FAKE_ATTEST, draft->signature_hash = RATLS_ALG_SHA384)
QUOTE(other_hierarchy, FAKE_QUOTE, draft->qualified_signer.p[5] ^= 1)
QUOTE(changed_later, FAKE_SIGNED, draft->attest.p[draft->attest.len - 1] ^= 1)

static void let_pass(struct ca_scene *s)
{
    s->world->now += 7L * DAY_S;
}

static void let_pass_almost(struct ca_scene *s)
{
    s->world->now += 7L * DAY_S - 1;
}

static void ends_soon(struct ca_scene *s)
{
    struct pki_spec spec = ca_machine_spec(&s->machine, &s->world->maker);

    spec.not_after_s = 3600;
    ca_machine_certify(&s->machine, &spec);
}

static void let_a_day_pass(struct ca_scene *s)
{
    s->world->now += DAY_S;
}

static void deny_firmware(struct ca_scene *s)
{
    ca_scene_deny(s, RATLS_DENIED_FIRMWARE, "0x" FIRMWARE);
}

static void deny_ek(struct ca_scene *s)
{
    char hex[65];

    ca_machine_ek_text(&s->machine, hex);
    ca_scene_deny(s, RATLS_DENIED_EK, hex);
}

static void narrow_names(struct ca_scene *s)
{
    free(s->world->config->names[0]);
    s->world->config->names[0] = strdup("*.other.example");
}

/* Two attestation keys have certificates for the name already. */
static void two_before(struct ca_scene *s)
{
    struct ca_machine machine = s->machine;

    for (unsigned i = 0; i < 2; i++) {
        machine.ak = fake_tpm_new(FAKE_ECDSA_P256);
        ca_scene_enrol(s, &machine, s->names);
        fake_tpm_free(machine.ak);
    }
}

static void one_before(struct ca_scene *s)
{
    struct ca_machine machine = s->machine;

    machine.ak = fake_tpm_new(FAKE_ECDSA_P256);
    ca_scene_enrol(s, &machine, s->names);
    fake_tpm_free(machine.ak);
}

static const struct ca_row rows[] = {
    {.name = "in the last second",
     .reason = "",
     .status = 200,
     .at_answer = true,
     .between = let_pass_almost},
    {.name = "late", .reason = "late", .status = 410, .at_answer = true, .between = let_pass},
    {.name = "unknown",
     .reason = "unknown",
     .status = 404,
     .at_answer = true,
     .reply = change_id,
     .is_not_used_up = true},
    {.name = "wrong MAC", .reason = "wrong", .status = 403, .at_answer = true, .reply = change_mac},
    {.name = "AK of another TPM",
     .reason = "wrong",
     .status = 403,
     .at_answer = true,
     .ask = ak_of_other},
    {.name = "another request",
     .reason = "wrong",
     .status = 403,
     .at_answer = true,
     .between = of_another_request},
    {.name = "no TPMS_ATTEST",
     .reason = "quote-format",
     .status = 403,
     .at_answer = true,
     .reply = cut_attest},
    {.name = "no TPMT_SIGNATURE",
     .reason = "quote-format",
     .status = 403,
     .at_answer = true,
     .reply = cut_signature},
    {.name = "not by a TPM",
     .reason = "quote-magic",
     .status = 403,
     .at_answer = true,
     .quote = other_magic},
    {.name = "a certify",
     .reason = "quote-type",
     .status = 403,
     .at_answer = true,
     .quote = a_certify},
    {.name = "other extraData",
     .reason = "quote-extra-data",
     .status = 403,
     .at_answer = true,
     .quote = other_extra_data},
    {.name = "no extraData",
     .reason = "quote-extra-data",
     .status = 403,
     .at_answer = true,
     .quote = no_extra_data},
    {.name = "of another hierarchy",
     .reason = "quote-signer",
     .status = 403,
     .at_answer = true,
     .quote = other_hierarchy},
    {.name = "of another key",
     .reason = "quote-signature",
     .status = 403,
     .at_answer = true,
     .quote = other_signer},
    {.name = "with another hash",
     .reason = "quote-signature",
     .status = 403,
     .at_answer = true,
     .quote = other_hash},
    {.name = "changed later",
     .reason = "quote-signature",
     .status = 403,
     .at_answer = true,
     .quote = changed_later},
    {.name = "firmware denied",
     .reason = "firmware",
     .status = 403,
     .at_answer = true,
     .prepare = deny_firmware},
    {.name = "firmware denied by the configuration",
     .reason = "firmware",
     .status = 403,
     .at_answer = true,
     .config = "deny-firmware: [\"" FIRMWARE "\"]\n"},
    {.name = "EK denied meanwhile",
     .reason = "ek-denied",
     .status = 403,
     .at_answer = true,
     .between = deny_ek},
    {.name = "EK expired meanwhile",
     .reason = "ek-time",
     .status = 422,
     .at_answer = true,
     .prepare = ends_soon,
     .between = let_a_day_pass},
    {.name = "names taken away meanwhile",
     .reason = "name",
     .status = 403,
     .at_answer = true,
     .between = narrow_names},
    {.name = "a second AK", .reason = "", .status = 200, .at_answer = true, .prepare = one_before},
    {.name = "a third AK",
     .reason = "overlap",
     .status = 403,
     .at_answer = true,
     .prepare = two_before,
     .is_recorded_by_store = true},
};

const struct ca_row *ca_rows_answer(size_t *ret_count)
{
    *ret_count = sizeof rows / sizeof rows[0];
    return rows;
}
