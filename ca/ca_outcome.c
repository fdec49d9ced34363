#include "ca_outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HTTP_REFUSED 400

/* Status: RFC 9110, 15. Reasons are for programs, and never change. */
static const struct {
    unsigned http_status;
    const char *reason;
    bool is_noise;
} rows[RATLS_CA_OUTCOMES] = {
    [RATLS_CA_REFUSED_UNSAID] = {500, "failed", false},
    [RATLS_CA_CHALLENGED] = {201, "", false},
    [RATLS_CA_FOUND] = {200, "", false},
    [RATLS_CA_WAITING] = {202, "", false},
    [RATLS_CA_ISSUED] = {200, "", false},
    [RATLS_CA_DONE] = {200, "", false},
    [RATLS_CA_TOO_LONG] = {413, "too-long", true},
    [RATLS_CA_MALFORMED] = {400, "malformed", true},
    [RATLS_CA_EK_FORMAT] = {422, "ek-format", true},
    [RATLS_CA_EK_CHAIN] = {422, "ek-chain", true},
    [RATLS_CA_EK_SIGNATURE] = {422, "ek-signature", true},
    [RATLS_CA_EK_TIME] = {422, "ek-time", true},
    [RATLS_CA_EK_CRITICAL] = {422, "ek-critical", true},
    [RATLS_CA_EK_CA] = {422, "ek-ca", true},
    [RATLS_CA_EK_USAGE] = {422, "ek-usage", true},
    [RATLS_CA_EK_PURPOSE] = {422, "ek-purpose", true},
    [RATLS_CA_EK_FAMILY] = {422, "ek-family", true},
    [RATLS_CA_EK_KEY] = {422, "ek-key", true},
    [RATLS_CA_EK_AREA] = {422, "ek-area", true},
    [RATLS_CA_EK_SOFTWARE] = {422, "ek-software", true},
    [RATLS_CA_EK_DENIED] = {403, "ek-denied", false},
    [RATLS_CA_AK_FORMAT] = {422, "ak-format", true},
    [RATLS_CA_AK_ATTRIBUTES] = {422, "ak-attributes", true},
    [RATLS_CA_AK_ALGORITHM] = {422, "ak-algorithm", true},
    [RATLS_CA_AK_DENIED] = {403, "ak-denied", false},
    [RATLS_CA_AK_OTHER_EK] = {403, "ak-enrolled", false},
    [RATLS_CA_NAME] = {403, "name", false},
    [RATLS_CA_OTHER_EK] = {403, "enrolled", false},
    [RATLS_CA_OVERLAP] = {403, "overlap", false},
    [RATLS_CA_TOKEN] = {403, "token", false},
    [RATLS_CA_NOT_ALLOWED] = {403, "not-allowed", false},
    [RATLS_CA_BY_HAND] = {403, "refused", false},
    [RATLS_CA_FULL] = {429, "rate", true},
    [RATLS_CA_UNKNOWN] = {404, "unknown", true},
    [RATLS_CA_ANSWERED] = {409, "answered", true},
    [RATLS_CA_LATE] = {410, "late", true},
    [RATLS_CA_MAC] = {403, "wrong", false},
    [RATLS_CA_QUOTE_FORMAT] = {403, "quote-format", false},
    [RATLS_CA_QUOTE_MAGIC] = {403, "quote-magic", false},
    [RATLS_CA_QUOTE_TYPE] = {403, "quote-type", false},
    [RATLS_CA_QUOTE_EXTRA_DATA] = {403, "quote-extra-data", false},
    [RATLS_CA_QUOTE_SIGNER] = {403, "quote-signer", false},
    [RATLS_CA_QUOTE_SIGNATURE] = {403, "quote-signature", false},
    [RATLS_CA_FIRMWARE] = {403, "firmware", false},
};

void ratls_ca_say(struct ratls_ca_answer *answer, enum ratls_ca_outcome outcome, const char *format,
                  ...)
{
    va_list args;

    if (ratls_ca_is_refused(answer))
        return;
    answer->http_status = rows[outcome].http_status;
    answer->reason = rows[outcome].reason;
    answer->is_waiting = outcome == RATLS_CA_WAITING;
    va_start(args, format);
    (void)vsnprintf(answer->detail, sizeof answer->detail, format, args);
    va_end(args);
}

bool ratls_ca_is_refused(const struct ratls_ca_answer *answer)
{
    return answer->http_status >= HTTP_REFUSED;
}

bool ratls_ca_is_noise(const struct ratls_ca_answer *answer)
{
    for (size_t i = 0; i < RATLS_CA_OUTCOMES; i++)
        if (strcmp(rows[i].reason, answer->reason) == 0)
            return rows[i].is_noise;
    return false;
}
