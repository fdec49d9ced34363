#include "log_list.h"

#include <stdlib.h>
#include <string.h>

#include "ima.h"
#include "ima_boot.h"
#include "must.h"

#define ALG RATLS_ALG_SHA256
#define DIGEST 32
#define FIELD_PREFIX "sha256:"
#define TEMPLATE "ima-ng"
#define PATH_CAP 128
#define PIECE_MAX 32768

static void put(struct log_list *log, const void *p, size_t len)
{
    log->p = realloc(log->p, log->len + len);
    must(log->p != NULL);
    memcpy(log->p + log->len, p, len);
    log->len += len;
}

static void put_u32(struct log_list *log, size_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                             (uint8_t)(value >> 24)};

    put(log, bytes, sizeof bytes);
}

/* One entry with fields d-ng and n-ng, and what the kernel extends for it. */
static void measure(struct log_list *log, const uint8_t digest[static DIGEST], const char *path)
{
    const size_t digest_field = sizeof FIELD_PREFIX + DIGEST;
    const size_t path_field = strlen(path) + 1;
    uint8_t *pcr = fake_tpm_pcr(log->tpm, ALG, RATLS_IMA_PCR);
    uint8_t both[2 * DIGEST];
    size_t hole, data;

    put_u32(log, RATLS_IMA_PCR);
    hole = log->len;
    put(log, both, DIGEST);
    put_u32(log, strlen(TEMPLATE));
    put(log, TEMPLATE, strlen(TEMPLATE));
    put_u32(log, 4 + digest_field + 4 + path_field);
    data = log->len;
    put_u32(log, digest_field);
    put(log, FIELD_PREFIX, sizeof FIELD_PREFIX);
    put(log, digest, DIGEST);
    put_u32(log, path_field);
    put(log, path, path_field);
    fake_digest(ALG, ratls_slice(log->p + data, log->len - data), log->p + hole);
    memcpy(both, pcr, DIGEST);
    memcpy(both + DIGEST, log->p + hole, DIGEST);
    fake_digest(ALG, ratls_slice(both, sizeof both), pcr);
    log->entries++;
}

static void begin_list(struct log_list *log)
{
    uint8_t aggregate[RATLS_DIGEST_MAX];
    struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS];

    for (unsigned i = 0; i < RATLS_IMA_BOOT_PCRS; i++)
        pcrs[i] = ratls_slice(fake_tpm_pcr(log->tpm, ALG, i), DIGEST);
    must(ratls_ima_boot_aggregate(ALG, pcrs, aggregate, NULL) == RATLS_OK);
    memset(fake_tpm_pcr(log->tpm, ALG, RATLS_IMA_PCR), 0, DIGEST);
    log->len = log->entries = 0;
    measure(log, aggregate, "boot_aggregate");
}

static void show_list(struct log_list *log)
{
    log->tpm->ima_alg = ALG;
    log->tpm->ima_list = ratls_slice(log->p, log->len);
}

void log_measure(struct log_list *log, const char *path)
{
    uint8_t digest[DIGEST];

    fake_digest(ALG, ratls_slice(path, strlen(path)), digest);
    measure(log, digest, path);
    show_list(log);
}

void log_measure_many(struct log_list *log, size_t entries)
{
    char path[PATH_CAP];

    while (log->entries < entries) {
        snprintf(path, sizeof path, "/usr/bin/program-%04zu", log->entries);
        log_measure(log, path);
    }
}

void log_reboot(struct log_list *log)
{
    log->tpm->reset_count++;
    begin_list(log);
    show_list(log);
}

/* The end of the last whole entry that fits. */
static size_t find_end(const struct log_list *log, size_t offset)
{
    struct ratls_ima_reader r =
        ratls_ima_reader(ratls_slice(log->p + offset, log->len - offset), ALG, offset, 0);
    struct ratls_ima_entry entry;
    size_t end = offset;

    while (ratls_ima_next(&r, &entry) && entry.offset + entry.len - offset <= log->piece_max)
        end = (size_t)entry.offset + entry.len;
    return end;
}

static void send_piece(struct log_list *log, struct ratls_ima_slice *piece)
{
    const size_t offset = piece->offset < log->len ? (size_t)piece->offset : log->len;

    if (log->grows)
        log_measure(log, "/usr/bin/grown");
    piece->total = log->len;
    piece->entries = ratls_slice(log->p + offset, find_end(log, offset) - offset);
    if (log->bend != NULL)
        log->bend(log, piece, log->asked_count);
}

/* WIRE.md, 2: an offset in the list of another key does not count beside a quote. */
static bool is_our_key(const struct log_list *log, const struct ratls_attest_request *request)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t id[RATLS_DIGEST_MAX];

    fake_digest(ALG, ratls_slice(name, fake_tpm_name(log->tpm, name)), id);
    return request->selection.count == 0 ||
           memcmp(id, request->logs.ima_key_id, RATLS_KEY_ID_LEN) == 0;
}

/* The attester calls it for one request at a time. */
void log_tamper(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct log_list *log = arg;

    if (stage == FAKE_STATEMENT && draft->request->selection.count > 0)
        log->quotes++;
    if (stage != FAKE_SIGNED)
        return;
    must(log->asked_count < LOG_ASKED_MAX);
    if (!is_our_key(log, draft->request))
        draft->evidence.ima.offset = 0;
    if (draft->evidence.has_ima)
        send_piece(log, &draft->evidence.ima);
    log->asked[log->asked_count++] = draft->request->logs;
}

struct log_list *log_list_new(struct fake_tpm *tpm)
{
    struct log_list *log = calloc(1, sizeof *log);

    must(log != NULL);
    log->tpm = tpm;
    log->piece_max = PIECE_MAX;
    begin_list(log);
    show_list(log);
    return log;
}

void log_list_free(struct log_list *log)
{
    log->tpm->ima_alg = 0;
    log->tpm->ima_list = ratls_slice(NULL, 0);
    free(log->p);
    free(log);
}
