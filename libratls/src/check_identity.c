/*
 * Whose attestation key is it? ak.attributes and ak.algorithm need ak.format, ak.denied needs it
 * too, ak.revoked, ak.software and ak.trust need that, and ak.server needs ak.trust. A vendor's
 * root alone would say only that some TPM signed: a key counts because it is enrolled for the
 * server that was meant.
 */
#include "appraise.h"

#include <stdio.h>
#include <string.h>

#include "ak_form.h"
#include "crypto_tpm_maker.h"
#include "keys.h"
#include "word_list.h"

static void check_attributes(struct ratls_appraisal *a)
{
    struct ratls_ak_words words;

    if (!ratls_check_decide(a->report, RATLS_CHECK_AK_ATTRIBUTES, ratls_ak_has_attributes(&a->ak)))
        return;
    ratls_ak_say_attributes(&a->ak, &words);
    ratls_check_say(a->report, RATLS_CHECK_AK_ATTRIBUTES, "quote.ak-public.objectAttributes",
                    words.expected, words.actual);
}

static void check_algorithm(struct ratls_appraisal *a)
{
    const unsigned allowed = a->rules->algorithms;
    struct ratls_ak_words words;

    if (!ratls_check_decide(a->report, RATLS_CHECK_AK_ALGORITHM,
                            ratls_ak_has_algorithm(&a->ak, allowed)))
        return;
    ratls_ak_say_algorithm(&a->ak, allowed, &words);
    ratls_check_say(a->report, RATLS_CHECK_AK_ALGORITHM, "quote.ak-public.scheme", words.expected,
                    words.actual);
}

/* What was found about a key; several pins and issuers may speak of it, and the best one counts. */
struct standing {
    bool trusted;
    bool covers;                /* the server that was meant */
    char why[RATLS_WHY_MAX];    /* the key is not trusted */
    char revoked[RATLS_WHY_MAX]; /* "": by no CRL */
    bool is_software;            /* its certificate says so, and the policy refuses that */
    char seen[RATLS_VALUE_MAX]; /* what it is enrolled for, if it is not that server */
};

static bool covers_server(const struct ratls_names *names, const char *server)
{
    return server == NULL ? names->count == 0 : ratls_names_cover(names, server);
}

static void print_names(const struct ratls_names *names, char *out, size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0; i < names->count; i++)
        ratls_word_add(out, cap, ", ", names->names[i]);
    if (names->count == 0)
        ratls_word_add(out, cap, "", "any server");
}

/* Goes through all pins, also when one fits: how long it takes says nothing about which one does.
 */
static void try_pins(struct ratls_appraisal *a, struct standing *standing)
{
    struct ratls_slice name = ratls_slice(a->ak_name, a->ak_name_len);
    const char *server = a->submission->expectation->server_name;

    for (size_t i = 0; i < a->rules->pin_count; i++) {
        const struct ratls_pin *pin = &a->rules->pins[i];

        if (!ratls_slice_equal(ratls_slice(pin->name, pin->name_len), name))
            continue;
        standing->trusted = true;
        standing->covers = standing->covers || covers_server(&pin->servers, server);
        if (!standing->covers)
            print_names(&pin->servers, standing->seen, sizeof standing->seen);
    }
}

/* "certificate 1: unable to get issuer certificate" and the like: not by this issuer at all. */
static bool is_of_other_issuer(const char *why)
{
    return why[0] == '\0' || strstr(why, "issuer certificate") != NULL;
}

/* The certificate and the policy must both mean this server. */
static enum ratls_status try_chain(struct ratls_appraisal *a, struct ratls_issuer *issuer,
                                   struct standing *standing, int64_t *ret_until)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const struct ratls_ak_chain chain = {.certificates = a->evidence.certificates,
                                         .count = a->evidence.certificate_count,
                                         .anchor = issuer->certificate,
                                         .key = a->key,
                                         .now = e->now};
    char why[RATLS_WHY_MAX];
    enum ratls_status status;

    if (atomic_load(&issuer->is_proven) && covers_server(&issuer->servers, e->server_name) &&
        ratls_ak_chain_plain(&chain, &a->ak, e->server_name, ret_until)) {
        standing->trusted = standing->covers = true;
        return RATLS_OK;
    }
    status = ratls_ak_chain(&chain, ret_until, why, a->err);
    if (status != RATLS_OK)
        return status;
    if (why[0] != '\0') {
        if (is_of_other_issuer(standing->why))
            memcpy(standing->why, why, sizeof standing->why);
        return RATLS_OK;
    }
    standing->trusted = true;
    standing->is_software =
        !a->rules->allows_software && ratls_der_is_software(chain.certificates[0]);
    if (chain.count == 1)
        atomic_store(&issuer->is_proven, true);
    if (!covers_server(&issuer->servers, e->server_name)) {
        print_names(&issuer->servers, standing->seen, sizeof standing->seen);
        return RATLS_OK;
    }
    standing->covers = ratls_certificate_names(chain.certificates[0], e->server_name);
    if (!standing->covers)
        ratls_certificate_names_text(chain.certificates[0], standing->seen, sizeof standing->seen);
    return RATLS_OK;
}

/*
 * One issuer. Its CRL speaks of what it has certified itself, so nothing may stand between.
 */
static enum ratls_status try_issuer(struct ratls_appraisal *a, struct ratls_issuer *issuer,
                                    struct standing *standing, int64_t *ret_until)
{
    const bool was_trusted = standing->trusted;
    const struct ratls_evidence *evidence = &a->evidence;
    enum ratls_status status;

    if (issuer->crl != NULL && evidence->certificate_count != 1) {
        snprintf(standing->why, sizeof standing->why,
                 "%zu certificates: an issuer with a CRL must certify the key itself",
                 evidence->certificate_count);
        return RATLS_OK;
    }
    standing->trusted = false;
    status = try_chain(a, issuer, standing, ret_until);
    if (status == RATLS_OK && issuer->crl != NULL && standing->trusted) {
        (void)ratls_crl_clears(issuer->crl, evidence->certificates[0],
                               a->submission->expectation->now, standing->revoked);
        if (ratls_crl_until(issuer->crl) < *ret_until)
            *ret_until = ratls_crl_until(issuer->crl);
    }
    standing->trusted = standing->trusted || was_trusted;
    return status;
}

/*
 * A chain that was verified for this server before is known by its hash, so that a client that
 * comes again parses no certificate. No certificate at all is what the server sends to who named
 * the key. A chain that is new is not remembered yet: it certifies a key, but a Name has more in it
 * (attributes, a policy), which anybody may make up until the quote shows that the TPM has it.
 */
static enum ratls_status try_certificates(struct ratls_appraisal *a, struct standing *standing)
{
    const struct ratls_expectation *e = a->submission->expectation;
    struct ratls_slice name = ratls_slice(a->ak_name, a->ak_name_len);
    bool is_sent = a->evidence.certificate_count > 0;
    struct ratls_slice manifest;
    enum ratls_status status =
        ratls_evidence_manifest(&a->evidence, a->chain_sha256, &manifest, a->err);

    if (status != RATLS_OK || a->rules->issuer_count == 0)
        return status;
    a->chain_until = ratls_key_cache_chain_until(
        a->rules->keys, name, is_sent ? a->chain_sha256 : NULL, e->server_name, e->now);
    if (a->chain_until != 0) {
        standing->trusted = standing->covers = true;
        return RATLS_OK;
    }
    for (size_t i = 0;
         is_sent && !standing->covers && standing->revoked[0] == '\0' && i < a->rules->issuer_count;
         i++) {
        status = try_issuer(a, &a->rules->issuers[i], standing, &a->chain_until);
        if (status != RATLS_OK)
            return status;
    }
    a->chain_verified = is_sent && standing->covers;
    return RATLS_OK;
}

static void print_trusted(const struct ratls_rules *rules, char *out, size_t cap)
{
    char words[RATLS_VALUE_MAX];

    out[0] = '\0';
    if (rules->pin_count > 0) {
        snprintf(words, sizeof words, "one of %zu pinned key%s", rules->pin_count,
                 rules->pin_count == 1 ? "" : "s");
        ratls_word_add(out, cap, "", words);
    }
    if (rules->issuer_count == 1)
        snprintf(words, sizeof words, "a certificate by %s", rules->issuers[0].path);
    else
        snprintf(words, sizeof words, "a certificate by one of %zu issuers", rules->issuer_count);
    if (rules->issuer_count > 0)
        ratls_word_add(out, cap, ", or ", words);
}

static void say_trust(struct ratls_appraisal *a, const struct standing *standing)
{
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    char name[2 * RATLS_TPM_NAME_MAX + 1];
    const char *why = standing->why[0] != '\0' ? standing->why : "no certificate";

    print_trusted(a->rules, expected, sizeof expected);
    ratls_hex(ratls_slice(a->ak_name, a->ak_name_len), name, sizeof name);
    if (standing->trusted || a->rules->issuer_count == 0)
        snprintf(actual, sizeof actual, "%s", name);
    else
        snprintf(actual, sizeof actual, "%s; %.12s...", why, name);
    ratls_check_say(a->report, RATLS_CHECK_AK_TRUST, "quote.ak-public", expected, actual);
}

static bool has_crl(const struct ratls_rules *rules)
{
    size_t i = 0;

    while (i < rules->issuer_count && rules->issuers[i].crl == NULL)
        i++;
    return i < rules->issuer_count;
}

/* Whether all is well. What was verified before is remembered no longer than the CRL is valid. */
static bool check_revoked(struct ratls_appraisal *a, const struct standing *standing)
{
    if (a->is_pinned || !has_crl(a->rules))
        ratls_check_not_asked(a->report, RATLS_CHECK_AK_REVOKED);
    else if (standing->trusted)
        return ratls_check_holds(a->report, RATLS_CHECK_AK_REVOKED, standing->revoked[0] == '\0',
                                 "quote.certificates", "a certificate that is not revoked",
                                 standing->revoked[0] == '\0' ? "one" : standing->revoked);
    return true;
}

static void report_standing(struct ratls_appraisal *a, const struct standing *standing)
{
    const char *server = a->submission->expectation->server_name;
    const char *meant = server == NULL ? "any server (none is named)" : server;

    if (ratls_check_decide(a->report, RATLS_CHECK_AK_TRUST, standing->trusted))
        say_trust(a, standing);
    if (standing->trusted)
        ratls_check_holds(a->report, RATLS_CHECK_AK_SERVER, standing->covers, "quote.ak-public",
                          meant, standing->covers ? meant : standing->seen);
}

enum ratls_status ratls_check_identity(struct ratls_appraisal *a)
{
    struct standing standing = {0};
    enum ratls_status status = ratls_check_ak(a);
    bool is_good;

    if (status != RATLS_OK || !ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT))
        return status;
    check_attributes(a);
    check_algorithm(a);
    ratls_check_denied(a);
    if (a->is_denied)
        return RATLS_OK;
    try_pins(a, &standing);
    a->is_pinned = standing.covers;
    if (!standing.covers)
        status = try_certificates(a, &standing);
    if (status != RATLS_OK)
        return status;
    is_good = check_revoked(a, &standing);
    if (!ratls_check_software(a, standing.trusted, standing.is_software))
        is_good = false;
    if (is_good)
        report_standing(a, &standing);
    return RATLS_OK;
}
