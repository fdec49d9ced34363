#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot_log.h"
#include "ima_list.h"
#include "logs.h"

#define PATH_LEN 64
#define ROOM 4096
#define NOBODY 65534
#define THREADS 8

static char folder[32];
static char boot_path[PATH_LEN], ima_path[PATH_LEN], of_bank_path[PATH_LEN];
static struct boot_log boot_log;
static struct ima_list ima_list;
static struct ratls_logs logs;
static bool is_open;
static uint8_t buffer[RATLS_EVIDENCE_MAX + 1];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/ratls-logs.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(boot_path, sizeof boot_path, "%s/boot", folder);
    snprintf(ima_path, sizeof ima_path, "%s/ima", folder);
    snprintf(of_bank_path, sizeof of_bank_path, "%s/ima_sha256", folder);
    boot_log_begin(&boot_log, RATLS_ALG_SHA256, RATLS_ALG_SHA384, "vendor");
    boot_log_separator(&boot_log, 7);
    ima_list.alg = RATLS_ALG_SHA1;
}

static void open_logs(const char *boot, const char *ima)
{
    ratls_logs_open(boot, ima, &logs);
    is_open = true;
}

static void close_logs(void)
{
    if (is_open)
        ratls_logs_close(&logs);
    is_open = false;
}

static void remove_folder(void)
{
    close_logs();
    unlink(boot_path);
    unlink(ima_path);
    unlink(of_bank_path);
    rmdir(folder);
}

static void write_file(const char *path, struct ratls_slice bytes)
{
    FILE *stream = fopen(path, "wb");

    cr_assert_not_null(stream, "%s", path);
    cr_assert_eq(fwrite(bytes.p, 1, bytes.len, stream), bytes.len);
    cr_assert_eq(fclose(stream), 0);
}

static void open_both(void)
{
    write_file(boot_path, boot_log_slice(&boot_log));
    write_file(ima_path, ima_list_slice(&ima_list));
    open_logs(boot_path, ima_path);
    cr_assert_eq(logs.boot_missing.status, RATLS_OK, "%s", logs.boot_missing.text);
    cr_assert_eq(logs.ima_missing.status, RATLS_OK, "%s", logs.ima_missing.text);
}

static struct ratls_slice read_boot(uint16_t bank)
{
    struct ratls_error err = {0};
    struct ratls_slice log;

    cr_assert_eq(ratls_logs_boot(&logs, bank, &log, &err), RATLS_OK, "%s", err.text);
    return log;
}

static struct ratls_ima_slice read_ima(uint64_t offset, size_t room)
{
    struct ratls_ima_slice slice = {0};

    cr_assert(ratls_logs_ima(&logs, RATLS_ALG_SHA256, offset, buffer, room, &slice));
    cr_assert_eq(slice.offset, offset);
    return slice;
}

TestSuite(logs, .init = make_folder, .fini = remove_folder);

Test(logs, boot_log_in_each_bank)
{
    static const uint16_t banks[] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384};

    open_both();
    for (size_t i = 0; i < 2; i++) {
        struct ratls_slice log = read_boot(banks[i]);
        struct ratls_eventlog walk;

        cr_assert(ratls_eventlog_open(log, RATLS_EVENTLOG_STRICT, &walk), "%s", walk.why);
        cr_expect_eq(walk.alg_count, 1);
        cr_expect_eq(walk.algs[0].id, banks[i]);
        cr_expect_eq(read_boot(banks[i]).p, log.p, "made once");
    }
    cr_expect_eq(read_boot(RATLS_ALG_SHA512).len, 0, "the log does not have it");
    cr_expect_eq(read_boot(RATLS_ALG_SHA512).len, 0);
    cr_expect_eq(read_boot(RATLS_ALG_SHA1).len, 0, "none asks for it");
}

Test(logs, whole_ima_list)
{
    struct ratls_ima_slice slice;

    ima_put_ng(&ima_list, 1, "/bin/a");
    ima_put_violation(&ima_list, "/bin/b");
    ima_put_plain(&ima_list, 3, "/bin/c");
    open_both();
    slice = read_ima(0, ROOM);
    cr_expect_eq(slice.list_alg, RATLS_ALG_SHA1);
    cr_expect_eq(slice.total, ima_list.len);
    cr_expect(ratls_slice_equal(slice.entries, ima_list_slice(&ima_list)));
    slice = read_ima(0, ima_list.len);
    cr_expect_eq(slice.entries.len, ima_list.len, "just enough room");
    slice = read_ima(ima_list.len, ROOM);
    cr_expect_eq(slice.entries.len, 0);
    cr_expect_eq(slice.total, ima_list.len);
}

/* One entry after the other, in every room that cuts some, gives the list again. */
Test(logs, slices_end_with_whole_entries)
{
    for (uint8_t i = 0; i < 40; i++) {
        if (i % 5 == 4)
            ima_put_plain(&ima_list, i, "/usr/lib/plain");
        else
            ima_put_ng(&ima_list, i, "/usr/lib/modules/a-file");
    }
    open_both();
    for (size_t room = 120; room < 700; room += 7) {
        uint64_t offset = 0;

        while (offset < ima_list.len) {
            struct ratls_ima_slice slice = read_ima(offset, room);
            struct ratls_ima_reader reader =
                ratls_ima_reader(slice.entries, slice.list_alg, offset, 0);
            struct ratls_ima_entry entry;

            cr_assert(slice.entries.len > 0 && slice.entries.len <= room);
            cr_assert_eq(memcmp(slice.entries.p, ima_list.bytes + offset, slice.entries.len), 0);
            cr_assert_eq(slice.total, ima_list.len);
            while (ratls_ima_next(&reader, &entry))
                continue;
            cr_assert_eq(reader.error.status, RATLS_OK, "%s", reader.error.text);
            offset += slice.entries.len;
        }
        cr_assert_eq(offset, ima_list.len);
    }
}

/* Who asks for nonsense, or for an entry that is too long, sees that there is more and gets none.
 */
Test(logs, no_entry_for_the_offset)
{
    ima_put_ng(&ima_list, 1, "/bin/a");
    ima_put_ng(&ima_list, 2, "/bin/b");
    open_both();
    cr_expect_eq(read_ima(0, 40).entries.len, 0, "it does not fit");
    cr_expect_gt(read_ima(0, 40).total, 0);
    cr_expect_eq(read_ima(0, 0).entries.len, 0);
    cr_expect_eq(read_ima(7, ROOM).entries.len, 0, "no entry begins there");
    cr_expect_gt(read_ima(7, ROOM).total, 7);
    cr_expect_eq(read_ima(ima_list.len + 9, ROOM).entries.len, 0);
    cr_expect_eq(read_ima(UINT64_MAX, ROOM).entries.len, 0);
    cr_expect_eq(read_ima(INT64_MAX, ROOM).entries.len, 0);
}

Test(logs, list_that_grows)
{
    size_t before;

    ima_put_ng(&ima_list, 1, "/bin/a");
    open_both();
    before = ima_list.len;
    cr_assert_eq(read_ima(0, ROOM).entries.len, before);
    ima_put_ng(&ima_list, 2, "/bin/b");
    write_file(ima_path, ima_list_slice(&ima_list)); /* the same file, not a new one */
    cr_expect_eq(read_ima(0, ROOM).entries.len, ima_list.len);
    cr_expect_eq(read_ima(before, ROOM).entries.len, ima_list.len - before);
    cr_expect_eq(read_ima(before, ROOM).total, ima_list.len);
}

Test(logs, list_of_the_bank)
{
    static struct ima_list other = {.alg = RATLS_ALG_SHA256};
    struct ratls_ima_slice slice = {0};

    ima_put_ng(&ima_list, 1, "/bin/a");
    ima_put_ng(&other, 1, "/bin/a");
    write_file(of_bank_path, ima_list_slice(&other));
    open_both();
    slice = read_ima(0, ROOM);
    cr_expect_eq(slice.list_alg, RATLS_ALG_SHA256);
    cr_expect(ratls_slice_equal(slice.entries, ima_list_slice(&other)));
    cr_assert(ratls_logs_ima(&logs, RATLS_ALG_SHA384, 0, buffer, ROOM, &slice));
    cr_expect_eq(slice.list_alg, RATLS_ALG_SHA1, "the kernel has none of that bank");
}

static void expect_missing(const char *boot, const char *ima, const char *boot_why,
                           const char *ima_why)
{
    struct ratls_ima_slice slice;

    open_logs(boot, ima);
    cr_expect_str_eq(logs.boot_missing.text, boot_why);
    cr_expect_str_eq(logs.ima_missing.text, ima_why);
    cr_expect_eq(read_boot(RATLS_ALG_SHA256).len, 0);
    cr_expect_not(ratls_logs_ima(&logs, RATLS_ALG_SHA256, 0, buffer, ROOM, &slice));
    close_logs();
}

Test(logs, what_cannot_be_opened_is_not_sent)
{
    char fifo[PATH_LEN];

    expect_missing("", "", "", "");
    expect_missing("/nonexistent/b", "/nonexistent/i", "/nonexistent/b: No such file or directory",
                   "/nonexistent/i: No such file or directory");
    expect_missing("/dev/null", "/tmp", "/dev/null: not a file", "/tmp: not a file");
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    open_logs(fifo, ""); /* nobody writes into it: this must not wait */
    unlink(fifo);
    cr_expect_not_null(strstr(logs.boot_missing.text, "fifo: not a file"), "%s",
                       logs.boot_missing.text);
}

/* Files that can be opened: the first page of a process cannot be read. */
Test(logs, what_cannot_be_read_is_not_sent)
{
    expect_missing("/proc/self/mem", "/proc/self/mem", "it cannot be read: Input/output error", "");
}

Test(logs, a_boot_log_that_is_none)
{
    write_file(boot_path, ratls_slice("log", 3));
    expect_missing(boot_path, "", "event 0 at offset 0 is cut", "");
    write_file(boot_path, ratls_slice("", 0));
    expect_missing(boot_path, "", "the log is empty", "");
    boot_log_begin(&boot_log, RATLS_ALG_SHA1, 0, "");
    write_file(boot_path, boot_log_slice(&boot_log));
    expect_missing(boot_path, "", "the log has no digests of sha256", "");
}

/* Files of the kernel have no length, and give a page at a time. */
Test(logs, file_without_a_length)
{
    struct ratls_ima_slice slice = {0};
    struct stat info;

    cr_assert_eq(stat("/proc/self/smaps", &info), 0);
    cr_assert_eq(info.st_size, 0);
    open_logs("", "/proc/self/smaps");
    cr_assert(ratls_logs_ima(&logs, RATLS_ALG_SHA256, 0, buffer, ROOM, &slice));
    cr_expect_gt(slice.total, ROOM + 1, "it was read once: %llu", (unsigned long long)slice.total);
    cr_expect_eq(slice.entries.len, 0);
}

static void *ask_for_log(void *arg)
{
    (void)arg;
    return read_boot(RATLS_ALG_SHA384).len > 0 ? &logs : NULL;
}

Test(logs, threads)
{
    pthread_t threads[THREADS];

    open_both();
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_for_log, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;

        cr_assert_eq(pthread_join(threads[i], &result), 0);
        cr_expect_eq(result, &logs);
    }
}

/* In the child, without the right to open the files. Returns the number of what fails; 0: none. */
static int read_in_child(void)
{
    struct ratls_ima_slice slice = {0};
    struct ratls_slice log = {NULL, 0};
    struct ratls_logs again;

    if (getuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        return 1;
    ratls_logs_open(boot_path, ima_path, &again);
    if (again.boot.fd >= 0 || again.ima[RATLS_LOGS_BANKS].fd >= 0)
        return 2;
    if (ratls_logs_boot(&logs, RATLS_ALG_SHA384, &log, NULL) != RATLS_OK || log.len == 0)
        return 3;
    if (!ratls_logs_ima(&logs, RATLS_ALG_SHA256, 0, buffer, ROOM, &slice))
        return 4;
    if (slice.entries.len != ima_list.len)
        return 5;
    ratls_logs_close(&logs);
    return 0;
}

/* A master opens them, its workers read them. */
Test(logs, processes)
{
    ima_put_ng(&ima_list, 1, "/bin/a");
    open_both();
    cr_assert_eq(chmod(folder, 0), 0);
    for (int i = 0; i < 2; i++) {
        int result = -1;
        pid_t pid = fork();

        if (pid == 0)
            _exit(read_in_child());
        cr_assert_eq(waitpid(pid, &result, 0), pid);
        cr_expect(WIFEXITED(result) && WEXITSTATUS(result) == 0, "step %d", WEXITSTATUS(result));
    }
    cr_assert_eq(chmod(folder, 0700), 0);
    cr_expect_gt(read_boot(RATLS_ALG_SHA256).len, 0, "a child closes its own only");
    cr_expect_eq(read_ima(0, ROOM).entries.len, ima_list.len);
}

/* A program that closes all descriptors and opens a file of its own gets one of ours. */
Test(logs, another_file_of_the_same_number_is_not_sent)
{
    struct ratls_ima_slice slice;
    int secret;

    ima_put_ng(&ima_list, 1, "/bin/a");
    open_both();
    close(logs.boot.fd);
    close(logs.ima[RATLS_LOGS_BANKS].fd);
    write_file(of_bank_path, ima_list_slice(&ima_list));
    secret = open(of_bank_path, O_RDONLY | O_CLOEXEC);
    cr_assert(secret == logs.ima[RATLS_LOGS_BANKS].fd ||
              dup2(secret, logs.ima[RATLS_LOGS_BANKS].fd) == logs.ima[RATLS_LOGS_BANKS].fd);
    cr_assert(secret == logs.boot.fd || dup2(secret, logs.boot.fd) == logs.boot.fd);
    cr_expect_not(ratls_logs_ima(&logs, RATLS_ALG_SHA384, 0, buffer, ROOM, &slice));
    cr_expect_eq(read_boot(RATLS_ALG_SHA384).len, 0);
    cr_expect_gt(read_boot(RATLS_ALG_SHA256).len, 0, "was made before");
    close_logs();
    cr_expect_neq(fcntl(secret, F_GETFD), -1, "and it is not closed");
}
