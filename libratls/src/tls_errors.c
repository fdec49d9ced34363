/*
 * Reasons on OpenSSL's error stack. Each check has a reason of its own, since many programs print
 * nothing but the reason; what was expected and seen is the error's data.
 */
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tls_internal.h"

#define LIBRARY_NAME "ratls"
#define REASON_CHECK_FIRST 100 /* + enum ratls_check */
#define REASON_STATUS_FIRST 1  /* + enum ratls_status */
#define REASON_WORDED_FIRST 400
#define DATA_MAX 512

static pthread_once_t strings_once = PTHREAD_ONCE_INIT;
static int library;

static ERR_STRING_DATA check_strings[] = {
#define CHECK_STRING(id, name, meaning, source)                                                    \
    {REASON_CHECK_FIRST + RATLS_CHECK_##id,                                                        \
     "attestation refused: " name " (required: " meaning ")"},
    RATLS_CHECKS(CHECK_STRING)
#undef CHECK_STRING
    {0, NULL}};

static ERR_STRING_DATA status_strings[] = {
    {REASON_STATUS_FIRST + RATLS_REJECTED, "attestation refused"},
    {REASON_STATUS_FIRST + RATLS_MALFORMED, "attestation failed: malformed"},
    {REASON_STATUS_FIRST + RATLS_LIMIT, "attestation failed: limit reached"},
    {REASON_STATUS_FIRST + RATLS_USAGE, "attestation failed: policy or configuration"},
    {REASON_STATUS_FIRST + RATLS_IO, "attestation failed: file or socket"},
    {REASON_STATUS_FIRST + RATLS_TPM, "attestation failed: TPM"},
    {REASON_STATUS_FIRST + RATLS_CRYPTO, "attestation failed: OpenSSL"},
    {REASON_STATUS_FIRST + RATLS_MEMORY, "attestation failed: out of memory"},
    {0, NULL}};

/*
 * What went wrong on this side, in words. Programs such as curl print nothing but the reason, and
 * OpenSSL keeps a pointer to its text for ever: so each text is kept once, and no more than these.
 */
#define WORDED_MAX 32
#define WORDED_PREFIX "attestation failed: "

struct worded {
    char text[sizeof WORDED_PREFIX + RATLS_ERROR_TEXT];
    ERR_STRING_DATA strings[2];
};

static pthread_mutex_t worded_lock = PTHREAD_MUTEX_INITIALIZER;
static struct worded worded[WORDED_MAX];
static size_t worded_count;

static ERR_STRING_DATA library_string[] = {{0, LIBRARY_NAME}, {0, NULL}};

static void load_strings(void)
{
    library = ERR_get_next_error_library();
    library_string[0].error = ERR_PACK(library, 0, 0);
    ERR_load_strings(library, library_string);
    ERR_load_strings(library, check_strings);
    ERR_load_strings(library, status_strings);
}

static void raise_reason(int reason, const char *data)
{
    pthread_once(&strings_once, load_strings);
    ERR_new();
    ERR_set_debug(LIBRARY_NAME, 0, NULL);
    ERR_set_error(library, reason, "%s", data);
}

static void load_worded(size_t i, const char *text)
{
    snprintf(worded[i].text, sizeof worded[i].text, WORDED_PREFIX "%s", text);
    worded[i].strings[0] = (ERR_STRING_DATA){(unsigned long)(REASON_WORDED_FIRST + i),
                                             worded[i].text};
    ERR_load_strings(library, worded[i].strings);
}

/* The reason with this text; the general one of the status if there are too many texts. */
static int find_reason(const struct ratls_error *err)
{
    int reason = REASON_STATUS_FIRST + (int)err->status;
    size_t i = 0;

    pthread_mutex_lock(&worded_lock);
    while (i < worded_count && strcmp(worded[i].text + strlen(WORDED_PREFIX), err->text) != 0)
        i++;
    if (i == worded_count && i < WORDED_MAX)
        load_worded(worded_count++, err->text);
    if (i < worded_count)
        reason = REASON_WORDED_FIRST + (int)i;
    pthread_mutex_unlock(&worded_lock);
    return reason;
}

void ratls_raise_error(const struct ratls_error *err)
{
    pthread_once(&strings_once, load_strings);
    raise_reason(find_reason(err), err->text);
}

void ratls_raise_refusal(const struct ratls_report *report)
{
    struct ratls_finding finding;
    char data[DATA_MAX];

    for (size_t i = 0; i < ratls_report_count(report); i++) {
        if (!ratls_report_finding(report, i, &finding) || finding.verdict != RATLS_FAIL)
            continue;
        snprintf(data, sizeof data, "%s: expected %s, got %s", finding.at, finding.expected,
                 finding.actual);
        raise_reason(REASON_CHECK_FIRST + (int)i, data);
        return;
    }
    raise_reason(REASON_STATUS_FIRST + RATLS_REJECTED, "no check failed, but not all were made");
}
