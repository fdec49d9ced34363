#include "logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot_compact.h"
#include "fail.h"
#include "ima.h"
#include "tpm_wire.h"

#define BOOT_LOG_DEFAULT "/sys/kernel/security/tpm0/binary_bios_measurements"
#define PATH_LEN 1024 /* what is longer has no lists of banks */
#define IMA_LIST_DEFAULT "/sys/kernel/security/ima/binary_runtime_measurements"

#define SHA1_LIST RATLS_LOGS_BANKS

static const uint16_t BANKS[RATLS_LOGS_BANKS] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                                 RATLS_ALG_SHA512};

struct ratls_boot_form {
    uint8_t *log; /* NULL: there is none in this bank */
    size_t len;
};

/* RATLS_LOGS_BANKS if it is none of them. */
static size_t find_bank(uint16_t bank)
{
    size_t i = 0;

    while (i < RATLS_LOGS_BANKS && BANKS[i] != bank)
        i++;
    return i;
}

static const struct ratls_log_file NO_FILE = {.fd = -1};

/* Never waits, as for a FIFO. */
static struct ratls_log_file open_file(const char *path, struct ratls_error *missing)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;

    if (fd < 0) {
        ratls_fail(missing, RATLS_IO, "%s: %s", path, strerror(errno));
        return NO_FILE;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        return (struct ratls_log_file){.fd = fd, .device = info.st_dev, .inode = info.st_ino};
    close(fd);
    ratls_fail(missing, RATLS_IO, "%s: not a file", path);
    return NO_FILE;
}

/* ---- boot log ---- */

/* RATLS_OK and no log, if the fault is the log's: then missing says why. */
static enum ratls_status make_boot_form(const struct ratls_log_file *file, uint16_t bank,
                                        struct ratls_boot_form *form, struct ratls_error *missing,
                                        struct ratls_error *err)
{
    size_t max = RATLS_EVENTLOG_LEN_MAX + 1;
    uint8_t *bytes = malloc(max);
    struct ratls_error why = {0};
    enum ratls_status status;
    size_t len = 0;

    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!ratls_log_file_read(file, 0, bytes, max, &len))
        status = ratls_fail(&why, RATLS_IO, "it cannot be read: %s", strerror(errno));
    else
        status = ratls_boot_compact(ratls_slice(bytes, len), bank, &form->log, &form->len, &why);
    free(bytes);
    if (status == RATLS_OK)
        return RATLS_OK;
    if (status == RATLS_MEMORY || status == RATLS_CRYPTO)
        return ratls_fail(err, status, "%s", why.text);
    ratls_fail(missing, status, "%s", why.text);
    return RATLS_OK;
}

static void free_form(struct ratls_boot_form *form)
{
    if (form != NULL)
        free(form->log);
    free(form);
}

/*
 * Who is first leaves its work for the others, and a log that is none is not read again. No lock:
 * after a fork it might be held for ever.
 */
static enum ratls_status find_boot_form(struct ratls_logs *logs, size_t index,
                                        struct ratls_error *missing,
                                        struct ratls_boot_form **ret_form, struct ratls_error *err)
{
    struct ratls_boot_form *present = atomic_load(&logs->boot_forms[index]);
    struct ratls_boot_form *mine;
    enum ratls_status status;

    if (present != NULL) {
        *ret_form = present;
        return RATLS_OK;
    }
    mine = calloc(1, sizeof *mine);
    if (mine == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = make_boot_form(&logs->boot, BANKS[index], mine, missing, err);
    if (status != RATLS_OK) {
        free_form(mine);
        return status;
    }
    if (atomic_compare_exchange_strong(&logs->boot_forms[index], &present, mine))
        present = mine;
    else
        free_form(mine);
    *ret_form = present;
    return RATLS_OK;
}

enum ratls_status ratls_logs_boot(struct ratls_logs *logs, uint16_t bank,
                                  struct ratls_slice *ret_log, struct ratls_error *err)
{
    size_t index = find_bank(bank);
    struct ratls_boot_form *form = NULL;
    enum ratls_status status;

    *ret_log = ratls_slice(NULL, 0);
    if (logs->boot.fd < 0 || index == RATLS_LOGS_BANKS)
        return RATLS_OK;
    status = find_boot_form(logs, index, NULL, &form, err);
    if (status == RATLS_OK && form->log != NULL)
        *ret_log = ratls_slice(form->log, form->len);
    return status;
}

/* ---- IMA list ---- */

/*
 * Length of the entry that the bytes begin with; 0 if it is not there to its end. Only its frame is
 * looked at: whether the list is one is for the verifier to say, in words.
 */
static size_t find_entry_len(struct ratls_slice in, size_t digest_len)
{
    static const char plain[] = "ima"; /* template without a length of its data */
    struct ratls_reader r = ratls_reader(in);
    struct ratls_slice name;

    ratls_read_le32(&r);
    ratls_read_bytes(&r, digest_len);
    name = ratls_read_bytes(&r, ratls_read_le32(&r));
    if (!r.failed && name.len == strlen(plain) && memcmp(name.p, plain, name.len) == 0)
        ratls_read_bytes(&r, ratls_tpm_hash_len(RATLS_ALG_SHA1));
    ratls_read_bytes(&r, ratls_read_le32(&r));
    return r.failed ? 0 : in.len - r.rest.len;
}

static size_t find_whole_entries(struct ratls_slice in, size_t digest_len)
{
    size_t len = 0;
    size_t entry_len;

    do {
        entry_len = find_entry_len(ratls_slice(in.p + len, in.len - len), digest_len);
        len += entry_len;
    } while (entry_len > 0 && len < in.len);
    return len;
}

/*
 * How long the list is, as far as it is known: files of the kernel say nothing, but what was read
 * once is there.
 */
static uint64_t find_total(struct ratls_logs *logs, size_t which, uint64_t offset, size_t read_len)
{
    uint64_t end = read_len == 0 ? 0 : offset + read_len;
    uint64_t known = atomic_load(&logs->ima_end[which]);
    uint64_t said = 0;

    if (ratls_log_file_is_there(&logs->ima[which], &said) && said > end)
        end = said;
    while (known < end && !atomic_compare_exchange_weak(&logs->ima_end[which], &known, end))
        continue;
    return known < end ? end : known;
}

/* The kernel's list of this bank, or the one that always was there. */
static size_t choose_list(const struct ratls_logs *logs, uint16_t bank)
{
    size_t which = find_bank(bank);

    return which == SHA1_LIST || logs->ima[which].fd < 0 ? SHA1_LIST : which;
}

bool ratls_logs_ima(struct ratls_logs *logs, uint16_t bank, uint64_t offset, uint8_t *buffer,
                    size_t room, struct ratls_ima_slice *ret_slice)
{
    const size_t which = choose_list(logs, bank);
    const uint16_t list_alg = which == SHA1_LIST ? RATLS_ALG_SHA1 : bank;
    struct ratls_slice whole;
    size_t len = 0;

    if (logs->ima[which].fd < 0)
        return false;
    /* One byte more than can be sent tells whether there is more. */
    if (offset < RATLS_IMA_LIST_MAX && !ratls_log_copy_read(&logs->copies[which], &logs->ima[which],
                                                            offset, buffer, room + 1, &len))
        return false;
    whole = ratls_slice(buffer, len > room ? room : len);
    whole.len = find_whole_entries(whole, ratls_tpm_hash_len(list_alg));
    *ret_slice = (struct ratls_ima_slice){.list_alg = list_alg,
                                          .offset = offset,
                                          .total = find_total(logs, which, offset, len),
                                          .entries = whole};
    return true;
}

/* To its end, so that clients learn how much there is. */
static void measure_ima(struct ratls_logs *logs, size_t which)
{
    uint64_t len = 0;

    (void)!ratls_log_copy_extend(&logs->copies[which], &logs->ima[which], RATLS_IMA_LIST_MAX, &len);
    (void)find_total(logs, which, 0, (size_t)len);
}

uint64_t ratls_logs_ima_len(struct ratls_logs *logs, uint16_t bank)
{
    const size_t which = choose_list(logs, bank);

    if (logs->ima[which].fd < 0)
        return 0;
    measure_ima(logs, which);
    return atomic_load(&logs->ima_end[which]);
}

/* The kernel's own lists of each bank, beside the one that always was there. */
static void open_ima(const char *path, struct ratls_logs *logs)
{
    logs->ima[SHA1_LIST] = open_file(path, &logs->ima_missing);
    for (size_t i = 0; i < RATLS_LOGS_BANKS; i++) {
        char of_bank[PATH_LEN];
        int len = snprintf(of_bank, sizeof of_bank, "%s_%s", path, ratls_tpm_hash_name(BANKS[i]));

        if (len > 0 && len < (int)sizeof of_bank)
            logs->ima[i] = open_file(of_bank, NULL);
        if (logs->ima[i].fd >= 0)
            logs->ima_missing = (struct ratls_error){.status = RATLS_OK};
    }
    for (size_t i = 0; i < RATLS_IMA_LISTS; i++)
        if (logs->ima[i].fd >= 0)
            measure_ima(logs, i);
}

/* Already now for SHA-256: a log that is none is best said at set-up, and before a fork. */
static void open_boot(const char *path, struct ratls_logs *logs)
{
    struct ratls_boot_form *ignored;

    logs->boot = open_file(path, &logs->boot_missing);
    if (logs->boot.fd >= 0 &&
        find_boot_form(logs, 0, &logs->boot_missing, &ignored, &logs->boot_missing) != RATLS_OK)
        logs->boot_missing = (struct ratls_error){.status = RATLS_OK}; /* the next caller tries */
}

void ratls_logs_open(const char *boot_log, const char *ima_list, struct ratls_logs *ret_logs)
{
    const char *boot_path = boot_log == NULL ? BOOT_LOG_DEFAULT : boot_log;
    const char *ima_path = ima_list == NULL ? IMA_LIST_DEFAULT : ima_list;

    memset(ret_logs, 0, sizeof *ret_logs);
    ret_logs->boot = NO_FILE;
    for (size_t i = 0; i < RATLS_IMA_LISTS; i++) {
        ret_logs->ima[i] = NO_FILE;
        atomic_init(&ret_logs->ima_end[i], 0);
    }
    for (size_t i = 0; i < RATLS_LOGS_BANKS; i++)
        atomic_init(&ret_logs->boot_forms[i], NULL);
    if (boot_path[0] != '\0')
        open_boot(boot_path, ret_logs);
    if (ima_path[0] != '\0')
        open_ima(ima_path, ret_logs);
}

static void close_file(const struct ratls_log_file *file)
{
    uint64_t ignored;

    if (ratls_log_file_is_there(file, &ignored))
        close(file->fd);
}

void ratls_logs_close(struct ratls_logs *logs)
{
    close_file(&logs->boot);
    for (size_t i = 0; i < RATLS_IMA_LISTS; i++) {
        close_file(&logs->ima[i]);
        ratls_log_copy_free(&logs->copies[i]);
    }
    for (size_t i = 0; i < RATLS_LOGS_BANKS; i++)
        free_form(atomic_load(&logs->boot_forms[i]));
}
