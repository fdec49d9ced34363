/* The N-th allocation while logs are opened and read fails, for every N: they are read later. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot_log.h"
#include "failmalloc.h"
#include "ima_list.h"
#include "logs.h"

#define PATH_LEN 64
#define ALLOCATIONS_MAX 1000

static char folder[32];
static char boot_path[PATH_LEN], ima_path[PATH_LEN];
static struct boot_log boot_log;
static struct ima_list ima_list;

static void write_file(const char *path, struct ratls_slice bytes)
{
    FILE *stream = fopen(path, "wb");

    cr_assert_not_null(stream, "%s", path);
    cr_assert_eq(fwrite(bytes.p, 1, bytes.len, stream), bytes.len);
    cr_assert_eq(fclose(stream), 0);
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/ratls-logs.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(boot_path, sizeof boot_path, "%s/boot", folder);
    snprintf(ima_path, sizeof ima_path, "%s/ima", folder);
    boot_log_begin(&boot_log, RATLS_ALG_SHA256, RATLS_ALG_SHA384, "vendor");
    boot_log_separator(&boot_log, 7);
    write_file(boot_path, boot_log_slice(&boot_log));
    ima_list.alg = RATLS_ALG_SHA1;
    ima_put_ng(&ima_list, 1, "/bin/init");
    write_file(ima_path, ima_list_slice(&ima_list));
}

static void remove_folder(void)
{
    unlink(boot_path);
    unlink(ima_path);
    rmdir(folder);
}

TestSuite(logs_memory, .init = make_folder, .fini = remove_folder, .timeout = 60);

/* With all the memory that they want, and nothing known against them. */
static void assert_read(struct ratls_logs *logs)
{
    static const uint16_t banks[] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384};

    cr_assert_eq(logs->boot_missing.status, RATLS_OK, "%s", logs->boot_missing.text);
    cr_assert_eq(logs->ima_missing.status, RATLS_OK, "%s", logs->ima_missing.text);
    for (size_t i = 0; i < sizeof banks / sizeof *banks; i++) {
        struct ratls_error err = {0};
        struct ratls_slice log;

        cr_assert_eq(ratls_logs_boot(logs, banks[i], &log, &err), RATLS_OK, "%s", err.text);
        cr_assert_gt(log.len, 0, "bank %04x", banks[i]);
    }
    cr_assert_eq(ratls_logs_ima_len(logs, RATLS_ALG_SHA256), ima_list.len);
}

/* A moment without memory says nothing against a log. */
Test(logs_memory, opened)
{
    bool failed = true;
    size_t n = 0;

    while (failed) {
        struct ratls_logs logs;

        cr_assert_lt(++n, ALLOCATIONS_MAX);
        failmalloc_arm(n);
        ratls_logs_open(boot_path, ima_path, &logs);
        failed = failmalloc_disarm();
        ERR_clear_error();
        assert_read(&logs);
        ratls_logs_close(&logs);
    }
    cr_assert_gt(n, 3, "%zu allocations: are they wrapped?", n);
}

/* In a bank that is not made at set-up. */
Test(logs_memory, boot_log)
{
    bool failed = true;
    size_t n = 0;

    while (failed) {
        struct ratls_error err = {0};
        struct ratls_slice log;
        struct ratls_logs logs;
        enum ratls_status status;

        cr_assert_lt(++n, ALLOCATIONS_MAX);
        ratls_logs_open(boot_path, ima_path, &logs);
        failmalloc_arm(n);
        status = ratls_logs_boot(&logs, RATLS_ALG_SHA384, &log, &err);
        failed = failmalloc_disarm();
        ERR_clear_error();
        if (failed && status != RATLS_OK) {
            cr_assert(status == RATLS_MEMORY || status == RATLS_CRYPTO, "%s", err.text);
            cr_assert_neq(err.text[0], '\0', "allocation %zu", n);
            cr_assert_eq(log.len, 0);
        } else {
            cr_assert_eq(status, RATLS_OK, "%s", err.text);
            cr_assert_gt(log.len, 0, "allocation %zu: taken for a machine without a log", n);
        }
        assert_read(&logs);
        ratls_logs_close(&logs);
    }
    cr_assert_gt(n, 2, "%zu allocations: are they wrapped?", n);
}

/* What has come since is read from the file where there is no memory for a copy of it. */
Test(logs_memory, ima_list)
{
    static uint8_t bytes[2 * RATLS_LOG_COPY_CHUNK], buffer[RATLS_EVIDENCE_MAX + 1];
    struct ratls_logs logs;
    bool has_failed = false;
    uint64_t offset = 0;
    size_t len = 0;

    ratls_logs_open(boot_path, ima_path, &logs);
    while (len <= RATLS_LOG_COPY_CHUNK) {
        memcpy(bytes + len, ima_list.bytes, ima_list.len);
        len += ima_list.len;
    }
    write_file(ima_path, ratls_slice(bytes, len));
    while (offset < len) {
        struct ratls_ima_slice slice = {0};

        failmalloc_arm(1);
        cr_assert(
            ratls_logs_ima(&logs, RATLS_ALG_SHA256, offset, buffer, RATLS_EVIDENCE_MAX, &slice));
        has_failed = failmalloc_disarm() || has_failed;
        cr_assert_gt(slice.entries.len, 0);
        cr_assert_eq(memcmp(slice.entries.p, bytes + offset, slice.entries.len), 0);
        offset += slice.entries.len;
    }
    cr_assert(has_failed, "nothing failed");
    cr_assert_eq(ratls_logs_ima_len(&logs, RATLS_ALG_SHA256), len);
    ratls_logs_close(&logs);
}
