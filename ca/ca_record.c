/*
 * Refusals in the audit log, which they must not fill: neither those that anybody can cause, nor
 * those that need the certificate of a TPM's key, which is public. They are counted apart, so that
 * the ones do not hide the others.
 */
#include "ca_state.h"

#include <stdio.h>
#include <string.h>

#define RECORDS_PER_MINUTE 60 /* of each of the two */
#define MINUTE_S 60
#define DETAIL_MAX (RATLS_CA_DETAIL_MAX + RATLS_CA_NAMES_TEXT_MAX)
#define SUBJECT_MAX (2 * 32 + 1)

/* How many records were left out in the minute that is over. */
static enum ratls_status record_count(struct ratls_ca *ca, struct ratls_ca_records *records,
                                      int64_t now, struct ratls_error *err)
{
    char detail[128];
    enum ratls_status status;

    if (records->more == 0)
        return RATLS_OK;
    (void)snprintf(detail, sizeof detail, "%u more were refused within a minute, and not recorded",
                   records->more);
    status = ratls_store_audit(ca->store, "refused", "", detail, now, err);
    if (status == RATLS_OK)
        records->more = 0;
    return status;
}

/* Whether there is room for one more. */
static enum ratls_status count_one(struct ratls_ca *ca, struct ratls_ca_records *records,
                                   int64_t now, bool *ret_has_room, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (now / MINUTE_S != records->minute) {
        status = record_count(ca, records, now, err);
        records->minute = now / MINUTE_S;
        records->count = 0;
    }
    *ret_has_room = records->count < RECORDS_PER_MINUTE;
    if (*ret_has_room)
        records->count++;
    else
        records->more++;
    return status;
}

enum ratls_status ratls_ca_record(struct ratls_ca *ca, const struct ratls_ca_answer *answer,
                                  struct ratls_slice subject, const char *what, int64_t now,
                                  struct ratls_error *err)
{
    char hex[SUBJECT_MAX], detail[DETAIL_MAX];
    bool has_room = false;
    enum ratls_status status;

    if (!ratls_ca_is_refused(answer))
        return RATLS_OK;
    status =
        count_one(ca, ratls_ca_is_noise(answer) ? &ca->noise : &ca->refused, now, &has_room, err);
    if (status != RATLS_OK || !has_room)
        return status;
    ratls_hex(subject, hex, sizeof hex);
    (void)snprintf(detail, sizeof detail, "%s: %s%s%s", answer->reason, answer->detail,
                   what[0] == '\0' ? "" : "; ", what);
    return ratls_store_audit(ca->store, "refused", hex, detail, now, err);
}
