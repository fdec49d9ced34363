#include "ca_find.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "policy_names.h"

#define HEX_SIZE (2 * 66 + 1)

bool ratls_ca_is_digits(const char *text)
{
    const size_t len = strlen(text);

    return len >= RATLS_CA_DIGITS_MIN && strspn(text, "0123456789abcdefABCDEF") == len;
}

bool ratls_ca_begins(struct ratls_slice bytes, const char *digits)
{
    char hex[HEX_SIZE];

    ratls_hex(bytes, hex, sizeof hex);
    return strncasecmp(hex, digits, strlen(digits)) == 0;
}

struct ratls_slice ratls_ca_thing_value(const struct ratls_ca_thing *thing)
{
    return thing->by == RATLS_STORE_BY_NAME ? ratls_slice(thing->name, thing->len)
                                            : ratls_slice(thing->bytes, thing->len);
}

/* Things that begin with the digits. */
struct search {
    const char *digits;
    struct ratls_ca_thing found; /* the last one */
    size_t count;                /* of different ones; 2: two or more */
};

static struct ratls_slice part_of(const struct ratls_store_certificate *c, enum ratls_store_by by)
{
    switch (by) {
    case RATLS_STORE_BY_EK:
        return ratls_slice(c->ek_sha256, sizeof c->ek_sha256);
    case RATLS_STORE_BY_AK:
        return ratls_slice(c->ak_name, c->ak_name_len);
    case RATLS_STORE_BY_ALL:
    case RATLS_STORE_BY_SERIAL:
    case RATLS_STORE_BY_NAME:
    case RATLS_STORE_BY_ISSUER:
        break;
    }
    return ratls_slice(c->serial, c->serial_len);
}

static void take(struct search *search, struct ratls_slice bytes)
{
    struct ratls_ca_thing *found = &search->found;

    if (!ratls_ca_begins(bytes, search->digits) || bytes.len > sizeof found->bytes ||
        (search->count > 0 && ratls_slice_equal(bytes, ratls_slice(found->bytes, found->len))))
        return;
    memcpy(found->bytes, bytes.p, bytes.len);
    found->len = bytes.len;
    search->count++;
}

static bool look(void *arg, const struct ratls_store_certificate *certificate)
{
    struct search *search = arg;

    take(search, part_of(certificate, search->found.by));
    return search->count < 2;
}

static bool look_waiting(void *arg, const struct ratls_store_entry *entry)
{
    struct search *search = arg;

    take(search, ratls_slice(entry->request_sha256, sizeof entry->request_sha256));
    return search->count < 2;
}

static enum ratls_status judge(const struct search *search, const char *what, const char *where,
                               struct ratls_error *err)
{
    if (search->count == 1)
        return RATLS_OK;
    if (search->count > 1)
        return ratls_fail(err, RATLS_USAGE, "%s: more than one %s begins so: write more digits",
                          search->digits, what);
    return ratls_fail(err, RATLS_USAGE, "%s: there is no such %s: '%s' has them all",
                      search->digits, what, where);
}

static enum ratls_status check_digits(const char *digits, size_t min, struct ratls_error *err)
{
    if (ratls_ca_is_digits(digits) && strlen(digits) >= min)
        return RATLS_OK;
    return ratls_fail(err, RATLS_USAGE, "%s: %zu or more hexadecimal digits are wanted", digits,
                      min);
}

static enum ratls_status search_all(struct ratls_store *store, struct search *search,
                                    struct ratls_error *err)
{
    const struct ratls_store_filter filter = {.by = RATLS_STORE_BY_ALL};
    enum ratls_status status = check_digits(search->digits, RATLS_CA_DIGITS_MIN, err);

    return status == RATLS_OK ? ratls_store_list(store, &filter, look, search, err) : status;
}

static enum ratls_status find_digits(struct ratls_store *store, const char *digits,
                                     enum ratls_store_by by, struct ratls_ca_thing *ret,
                                     struct ratls_error *err)
{
    struct search search = {.digits = digits, .found = {.by = by}};
    enum ratls_status status = search_all(store, &search, err);

    if (status == RATLS_OK)
        status =
            judge(&search, by == RATLS_STORE_BY_SERIAL ? "certificate" : "key with a certificate",
                  "ratls ca list", err);
    if (status == RATLS_OK)
        *ret = search.found;
    return status;
}

static enum ratls_status read_name(const char *text, struct ratls_ca_thing *ret,
                                   struct ratls_error *err)
{
    struct ratls_ca_thing thing = {.by = RATLS_STORE_BY_NAME};
    char name[RATLS_NAME_SIZE];
    const char *why = ratls_name_normalise(text, name);

    if (why != NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: %s", text, why);
    (void)snprintf(thing.name, sizeof thing.name, "%s", name);
    thing.len = strlen(thing.name);
    *ret = thing;
    return RATLS_OK;
}

static bool stop_at_first(void *arg, const struct ratls_store_certificate *certificate)
{
    bool *is_there = arg;

    (void)certificate;
    *is_there = true;
    return false;
}

/* Digits alone may be a name, too. Where they are both, whoever writes them has to say which. */
static enum ratls_status find_number_or_name(struct ratls_store *store, const char *text,
                                             struct ratls_ca_thing *ret, struct ratls_error *err)
{
    struct search numbers = {.digits = text, .found = {.by = RATLS_STORE_BY_SERIAL}};
    struct ratls_store_filter filter = {.by = RATLS_STORE_BY_NAME};
    struct ratls_ca_thing name;
    bool has_name = false;
    enum ratls_status status = search_all(store, &numbers, err);

    if (status != RATLS_OK)
        return status;
    if (read_name(text, &name, NULL) == RATLS_OK) {
        filter.value = ratls_ca_thing_value(&name);
        status = ratls_store_list(store, &filter, stop_at_first, &has_name, err);
    }
    if (status == RATLS_OK && has_name && numbers.count > 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: a name, and a serial number begins so: write name:%s or serial:%s",
                          text, text, text);
    if (status == RATLS_OK && !has_name)
        status = judge(&numbers, "certificate", "ratls ca list", err);
    if (status == RATLS_OK)
        *ret = has_name ? name : numbers.found;
    return status;
}

enum ratls_status ratls_ca_find_thing(struct ratls_store *store, const char *text,
                                      struct ratls_ca_thing *ret, struct ratls_error *err)
{
    static const struct {
        const char *prefix;
        enum ratls_store_by by;
    } kinds[] = {
        {"ek:", RATLS_STORE_BY_EK}, {"ak:", RATLS_STORE_BY_AK}, {"serial:", RATLS_STORE_BY_SERIAL}};
    static const char name[] = "name:";

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t len = strlen(kinds[i].prefix);

        if (strncmp(text, kinds[i].prefix, len) == 0)
            return find_digits(store, text + len, kinds[i].by, ret, err);
    }
    if (strncmp(text, name, strlen(name)) == 0)
        return read_name(text + strlen(name), ret, err);
    return ratls_ca_is_digits(text) ? find_number_or_name(store, text, ret, err)
                                    : read_name(text, ret, err);
}

enum ratls_status ratls_ca_find_asked(struct ratls_store *store, const char *text, int64_t now,
                                      uint8_t ret_sha256[static 32], struct ratls_error *err)
{
    struct search search = {.digits = text};
    enum ratls_status status;

    if (strlen(text) == 64 && ratls_unhex(text, ret_sha256, 32))
        return RATLS_OK;
    status = check_digits(text, RATLS_CA_ID_DIGITS_MIN, err);
    if (status == RATLS_OK)
        status = ratls_store_each_waiting(store, now, look_waiting, &search, err);
    if (status == RATLS_OK)
        status = judge(&search, "request that waits", "ratls ca list --waiting", err);
    if (status == RATLS_OK)
        memcpy(ret_sha256, search.found.bytes, 32);
    return status;
}
