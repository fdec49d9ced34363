/* How old a proof may be, how long a verdict holds, and what it is bound to. */
#include <string.h>

#include "policy_build.h"

#define SECONDS_PER_DAY 86400
#define CERTIFICATE_AGE_MAX_DAYS 3650
#define VERDICT_AGE_MAX_S SECONDS_PER_DAY /* a machine that nobody looked at for a day is unknown  \
                                           */
#define AGES_OF_RENEWAL 2                 /* one renewal may fail before the verdict ends */

/* 0 if the text is not a whole number without leading zeros and one of the units s, m, h, d. */
static uint64_t read_duration_s(const char *text)
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
    const uint64_t seconds = read_duration_s(text);

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
    return status;
}

enum ratls_status ratls_build_freshness(struct ratls_build *b)
{
    b->rules->freshness = b->document->freshness;
    return b->rules->freshness == RATLS_FRESHNESS_CERTIFICATE ? build_certificate(b)
                                                              : build_verdict(b);
}
