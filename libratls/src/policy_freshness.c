/* How old a proof may be, how long a verdict holds, and what it is bound to. */
#include <stdlib.h>
#include <string.h>

#include "epoch_memory.h"
#include "policy_build.h"
#include "policy_duration.h"

#define SECONDS_PER_DAY 86400
#define CERTIFICATE_AGE_MAX_DAYS 3650
#define VERDICT_AGE_MAX_S                                                                          \
    SECONDS_PER_DAY                       /* a machine that nobody looked at for a day is unknown  \
                                           */
#define EPOCH_MAX_S 3600                  /* what happens to a machine in an epoch is not seen */
#define AGES_OF_RENEWAL 2                 /* one renewal may fail before the verdict ends */

uint64_t ratls_duration_s(const char *text)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', SECONDS_PER_DAY}};
    size_t digits = strspn(text, "0123456789");
    uint64_t value = 0;

    if (digits == 0 || digits > 9 || text[0] == '0' || strlen(text) != digits + 1)
        return 0;
    for (size_t i = 0; i < digits; i++)
        value = 10 * value + (uint64_t)(text[i] - '0');
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (text[digits] == units[i].unit)
            return value * units[i].seconds;
    }
    return 0;
}

static enum ratls_status build_duration(struct ratls_build *b, const char *text, uint64_t *ret_s)
{
    const uint64_t seconds = ratls_duration_s(text);

    if (seconds == 0)
        return ratls_build_refuse(b,
                                  "expected a whole number and a unit, such as 90s, 30m, 24h "
                                  "or 7d, got %s",
                                  ratls_build_show(b, text));
    *ret_s = seconds;
    return RATLS_OK;
}

/* freshness: certificate */
static enum ratls_status build_certificate(struct ratls_build *b)
{
    const struct ratls_document *document = b->document;
    enum ratls_status status;

    ratls_build_at(b, "renew");
    if (document->renew != NULL)
        return ratls_build_refuse(b, "evidence in a certificate is never renewed: not with "
                                     "freshness: certificate");
    ratls_build_at(b, "binding");
    if (document->binding == RATLS_BINDING_EXPORTER)
        return ratls_build_refuse(b, "evidence in a certificate is bound to no connection: not "
                                     "with freshness: certificate");
    ratls_build_at(b, "freshness");
    if (document->max_age == NULL)
        return ratls_build_refuse(b, "certificate needs a key max-age, for example max-age: 24h");
    ratls_build_at(b, "max-age");
    status = build_duration(b, document->max_age, &b->rules->max_age_s);
    if (status == RATLS_OK &&
        b->rules->max_age_s > (uint64_t)CERTIFICATE_AGE_MAX_DAYS * SECONDS_PER_DAY)
        return ratls_build_refuse(b, "longer than %dd", CERTIFICATE_AGE_MAX_DAYS);
    return status;
}

/* Without max-age a verdict holds until the renewal after the next: one may get lost. */
static enum ratls_status build_renewal(struct ratls_build *b)
{
    struct ratls_rules *rules = b->rules;
    enum ratls_status status;

    ratls_build_at(b, "renew");
    status = build_duration(b, b->document->renew, &rules->renew_s);
    if (status != RATLS_OK)
        return status;
    if (b->document->max_age == NULL)
        rules->max_age_s = AGES_OF_RENEWAL * rules->renew_s;
    if (rules->renew_s >= rules->max_age_s)
        return ratls_build_refuse(b, "not shorter than max-age: the verdict would end before it "
                                     "is renewed");
    if (rules->max_age_s > VERDICT_AGE_MAX_S)
        return ratls_build_refuse(b, "longer than %dh", VERDICT_AGE_MAX_S / AGES_OF_RENEWAL / 3600);
    return RATLS_OK;
}

/* Evidence for this very connection: max-age is how long the verdict holds. */
static enum ratls_status build_verdict(struct ratls_build *b)
{
    const struct ratls_document *document = b->document;
    enum ratls_status status = RATLS_OK;

    b->rules->needs_exporter = document->binding == RATLS_BINDING_EXPORTER;
    ratls_build_at(b, "max-age");
    if (document->max_age != NULL)
        status = build_duration(b, document->max_age, &b->rules->max_age_s);
    if (status == RATLS_OK && b->rules->max_age_s > VERDICT_AGE_MAX_S)
        return ratls_build_refuse(b,
                                  "longer than %dh: only evidence in a certificate may be "
                                  "(freshness: certificate)",
                                  VERDICT_AGE_MAX_S / 3600);
    if (status == RATLS_OK && document->renew != NULL)
        status = build_renewal(b);
    if (status == RATLS_OK && b->rules->max_age_s != 0 &&
        b->rules->max_age_s <= b->rules->epoch.within_s)
        return ratls_build_refuse(b,
                                  "not longer than epoch.within: a verdict is as old as its time "
                                  "stamp, and would end before it begins");
    return status;
}

static enum ratls_status build_authorities(struct ratls_build *b)
{
    struct ratls_epoch_rules *rules = &b->rules->epoch;
    struct ratls_authorities *authorities = &rules->authorities;
    struct ratls_build_certificates list = {0};
    enum ratls_status status =
        ratls_build_certificates(b, "epoch.authorities", &b->document->epoch->authorities, &list);

    if (status != RATLS_OK)
        return status;
    rules->certificates = list.items;
    authorities->count = list.count;
    rules->memory = ratls_epoch_memory_new();
    authorities->certificates = calloc(list.count, sizeof *authorities->certificates);
    if (authorities->certificates == NULL || rules->memory == NULL)
        return ratls_build_no_memory(b);
    ratls_build_at(b, "epoch.authorities");
    for (size_t i = 0; i < list.count; i++) {
        authorities->certificates[i] = list.items[i].certificate;
        if (!ratls_authority_valid(list.items[i].certificate))
            return ratls_build_refuse(b,
                                      "%s: neither a CA nor an authority of time stamps (extended "
                                      "key usage timeStamping, critical and alone)",
                                      list.items[i].subject);
    }
    return RATLS_OK;
}

static enum ratls_status build_epoch(struct ratls_build *b)
{
    const struct ratls_document *document = b->document;
    const bool is_asked = document->freshness == RATLS_FRESHNESS_EPOCH;
    enum ratls_status status;

    ratls_build_at(b, is_asked ? "freshness" : "epoch");
    if (is_asked && document->epoch == NULL)
        return ratls_build_refuse(b, "epoch needs a key epoch, for example epoch: {within: 60s, "
                                     "authorities: [tsa.pem]}");
    if (!is_asked && document->epoch != NULL)
        return ratls_build_refuse(b, "compares nothing: only with freshness: epoch are time stamps "
                                     "looked at");
    if (!is_asked)
        return RATLS_OK;
    ratls_build_at(b, "epoch.within");
    status = build_duration(b, document->epoch->within, &b->rules->epoch.within_s);
    if (status == RATLS_OK && b->rules->epoch.within_s > EPOCH_MAX_S)
        return ratls_build_refuse(b, "longer than %dh", EPOCH_MAX_S / 3600);
    return status == RATLS_OK ? build_authorities(b) : status;
}

void ratls_epoch_rules_done(struct ratls_epoch_rules *rules)
{
    ratls_pem_certificates_free(rules->certificates, rules->authorities.count);
    free(rules->authorities.certificates);
    ratls_epoch_memory_free(rules->memory);
    *rules = (struct ratls_epoch_rules){0};
}

enum ratls_status ratls_build_freshness(struct ratls_build *b)
{
    enum ratls_status status = build_epoch(b);

    if (status != RATLS_OK)
        return status;
    b->rules->freshness = b->document->freshness;
    return b->rules->freshness == RATLS_FRESHNESS_CERTIFICATE ? build_certificate(b)
                                                              : build_verdict(b);
}
