#include "service_records.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MINUTE_MS 60000

void ratls_service_records_init(struct ratls_service_records *records)
{
    memset(records, 0, sizeof *records);
    pthread_mutex_init(&records->lock, NULL);
}

void ratls_service_records_clear(struct ratls_service_records *records)
{
    pthread_mutex_destroy(&records->lock);
}

/* With the lock held; NULL: whoever writes them into the store does not keep up. */
static struct ratls_service_record *add(struct ratls_service_records *records, int64_t now)
{
    struct ratls_service_record *record;

    if (records->count == COUNT(records->items))
        return NULL;
    record = &records->items[(records->first + records->count++) % COUNT(records->items)];
    record->at = now;
    return record;
}

static void end_minute(struct ratls_service_records *records, int64_t now, int64_t now_ms)
{
    struct ratls_service_record *record;

    if (now_ms - records->minute_ms < MINUTE_MS)
        return;
    record = records->beyond > 0 ? add(records, now) : NULL;
    if (record != NULL) {
        snprintf(record->text, sizeof record->text, "%u more were refused", records->beyond);
        records->beyond = 0;
    }
    records->minute_ms = now_ms;
    records->in_minute = 0;
}

void ratls_service_records_note(struct ratls_service_records *records, int64_t now, int64_t now_ms,
                                unsigned status, const char *reason, const char *detail)
{
    struct ratls_service_record *record = NULL;

    pthread_mutex_lock(&records->lock);
    end_minute(records, now, now_ms);
    if (records->in_minute < RATLS_SERVICE_RECORDS_PER_MINUTE)
        record = add(records, now);
    if (record != NULL) {
        snprintf(record->text, sizeof record->text, "%u %s: %s", status, reason, detail);
        records->in_minute++;
    } else {
        records->beyond++;
        records->beyond_total++;
    }
    pthread_mutex_unlock(&records->lock);
}

bool ratls_service_records_next(struct ratls_service_records *records, int64_t now, int64_t now_ms,
                                struct ratls_service_record *ret)
{
    bool is_there;

    pthread_mutex_lock(&records->lock);
    end_minute(records, now, now_ms);
    is_there = records->count > 0;
    if (is_there) {
        *ret = records->items[records->first];
        records->first = (records->first + 1) % COUNT(records->items);
        records->count--;
    }
    pthread_mutex_unlock(&records->lock);
    return is_there;
}

uint64_t ratls_service_records_beyond(struct ratls_service_records *records)
{
    uint64_t beyond;

    pthread_mutex_lock(&records->lock);
    beyond = records->beyond_total;
    pthread_mutex_unlock(&records->lock);
    return beyond;
}
