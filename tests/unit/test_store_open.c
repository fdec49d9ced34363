/* Stores of another version, of somebody else, damaged, or not there; and processes that fork. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_sample.h"
#include "store_schema.h"

static struct store_place place;
static struct ratls_error err;
static enum ratls_store_outcome outcome;

static void make_place(void)
{
    store_place_make(&place);
}

static void remove_place(void)
{
    store_place_remove(&place);
}

TestSuite(store_open, .init = make_place, .fini = remove_place);

static void expect_refused(const char *where, enum ratls_status wanted, const char *words)
{
    struct ratls_store *store = NULL;

    err = (struct ratls_error){0};
    cr_expect_eq(ratls_store_open(where, &store, &err), wanted, "%s: %s", words, err.text);
    cr_expect_null(store);
    cr_expect_not_null(strstr(err.text, words), "%s: %s", words, err.text);
}

static void enroll_first(void)
{
    struct ratls_store *store = store_at(&place);
    struct store_sample s;

    store_sample(&s, 1, 1, 1, 1);
    cr_assert_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
    ratls_store_close(store);
}

Test(store_open, keeps_what_it_has)
{
    struct ratls_store_certificate c = {0};
    struct ratls_store *store;
    struct store_sample s;

    enroll_first();
    store_sample(&s, 1, 1, 1, 1);
    store = store_at(&place);
    cr_assert_eq(ratls_store_result(store, s.challenge.id, &c, &outcome, &err), RATLS_OK);
    cr_expect_eq(outcome, RATLS_STORE_DONE);
    ratls_store_certificate_done(&c);
    ratls_store_close(store);
}

Test(store_open, of_a_newer_version)
{
    enroll_first();
    store_place_run(&place, "UPDATE meta SET version = 2");
    expect_refused(place.where, RATLS_IO, "of a newer ratls (version 2, this one knows 1)");
    store_place_run(&place, "UPDATE meta SET version = 1");
    ratls_store_close(store_at(&place));
    store_place_run(&place, "DELETE FROM meta");
    expect_refused(place.where, RATLS_IO, "a row is missing");
}

static enum ratls_status migrate(const char *const *steps, int64_t count)
{
    struct ratls_store_versions versions = {steps, count};
    struct ratls_store *store = store_at(&place);
    enum ratls_status status;

    err = (struct ratls_error){0};
    status = ratls_store_run(store, RATLS_STORE_SETUP, ratls_store_set_up, &versions, &err);
    ratls_store_close(store);
    return status;
}

/* All of the steps from an older version, or none. */
Test(store_open, of_an_older_version)
{
    const char *const good[] = {ratls_store_versions.steps[0],
                                "ALTER TABLE token ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
                                "CREATE TABLE room(id BIGINT PRIMARY KEY)"};
    const char *const bad[] = {good[0], good[1], "CREATE TABLE wrong(id BIGINT PRIMARY KEY(;"};

    cr_assert_eq(ratls_store_versions.count, 1, "these are the steps of tests");
    enroll_first();
    cr_expect_eq(migrate(bad, 3), RATLS_IO);
    cr_expect_eq(store_place_number(&place, "SELECT version FROM meta"), 1);
    cr_expect_eq(migrate(good, 2), RATLS_OK, "%s", err.text);
    cr_expect_eq(store_place_number(&place, "SELECT version FROM meta"), 2);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM room"), 0);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM certificate"), 1);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM audit WHERE kind = 'schema'"), 2);
    expect_refused(place.where, RATLS_IO, "newer ratls");
}

/* Values that the tables allow, and that no ratls writes. */
static const char *const damages[] = {
    "UPDATE challenge SET answer_key = 'x' || substr(answer_key, 2)",
    "UPDATE challenge SET challenge = challenge || '='",
    "UPDATE challenge SET challenge = challenge || 'A'",
    "UPDATE request SET body = 'a b'",
    "UPDATE request SET ek_sha256 = 'g' || substr(ek_sha256, 2)",
    "UPDATE request SET names = 'caf\xc3\xa9'",
    "UPDATE request SET reason = 'a' || chr(10)",
};

Test(store_open, damaged_values)
{
    struct store_sample s;
    struct ratls_store *store = store_at(&place);

    store_sample(&s, 1, 1, 1, 1);
    cr_assert_eq(sample_put(store, &s, &outcome, &err), RATLS_OK);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct ratls_store_entry entry = {0};
        const char *newline = strstr(damages[i], "chr(10)");

        err = (struct ratls_error){0};
        if (newline == NULL || place.is_postgresql)
            store_place_run(&place, damages[i]);
        else
            store_place_run(&place, "UPDATE request SET reason = 'a' || char(10)");
        cr_expect_eq(
            ratls_store_find_challenge(store, s.challenge.id, SAMPLE_NOW, &entry, &outcome, &err),
            RATLS_IO, "%s", damages[i]);
        cr_expect_not_null(strstr(err.text, "damaged"), "%s", err.text);
        cr_expect_null(entry.body);
        store_place_run(&place, "DELETE FROM challenge");
        store_place_run(&place, "DELETE FROM request");
        cr_assert_eq(sample_put(store, &s, &outcome, &err), RATLS_OK, "%s", err.text);
    }
    ratls_store_close(store);
}

Test(store_open, a_process_that_forks)
{
    struct ratls_store *store = store_at(&place);
    struct store_sample s;
    pid_t child;
    int status;

    store_sample(&s, 1, 1, 1, 1);
    cr_assert_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        store_sample(&s, 2, 2, 2, 2);
        status = sample_enroll(store, &s) == RATLS_STORE_DONE ? 0 : 1;
        ratls_store_close(store);
        _exit(status);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    store_sample(&s, 3, 3, 3, 3);
    cr_expect_eq(sample_enroll(store, &s), RATLS_STORE_DONE, "the parent's is as it was");
    child = fork();
    if (child == 0) { /* one that only ends it */
        ratls_store_close(store);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    store_sample(&s, 4, 4, 4, 4);
    cr_expect_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
    ratls_store_close(store);
}

Test(store_open, is_not_there)
{
    expect_refused("/tmp/ratls/is/not/here", RATLS_IO, "/tmp/ratls/is/not/here: No such");
    expect_refused("/dev/null", RATLS_IO, "is no folder");
    cr_assert_eq(chmod(place.folder, 0777), 0);
    expect_refused(place.folder, RATLS_USAGE, "chmod o-w");
    cr_assert_eq(chmod(place.folder, 0700), 0);
#ifdef HAS_LIBPQ
    expect_refused("postgresql://u:secret@/x?host=/tmp/ratls/no/socket", RATLS_IO, "PostgreSQL on");
    cr_expect_null(strstr(err.text, "secret"), "%s", err.text);
    expect_refused("postgresql://u:secret@[::1/x", RATLS_IO, "address cannot be read");
    cr_expect_null(strstr(err.text, "secret"), "%s", err.text);
    expect_refused("postgresql://x?nothing=known", RATLS_IO, "nothing");
#else
    expect_refused("postgresql://x/y", RATLS_USAGE, "libpq-dev");
#endif
}

static void write_file(const void *bytes, size_t len)
{
    FILE *file = fopen(place.file, "wb");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

Test(store_open, files_of_others)
{
    const uint8_t nonsense[4096] = {1};

    if (place.is_postgresql)
        return; /* its files are its own business */
    umask(077);
    write_file(nonsense, sizeof nonsense);
    expect_refused(place.where, RATLS_IO, "restore the folder from a backup");
    (void)unlink(place.file);
    store_place_run(&place, "CREATE TABLE meta(id)");
    expect_refused(place.where, RATLS_IO, "give the CA a folder of its own");
    (void)unlink(place.file);
    cr_assert_eq(symlink("/dev/null", place.file), 0);
    expect_refused(place.where, RATLS_IO, "no regular file");
    (void)unlink(place.file);
    write_file("", 0); /* as of a process that was killed at once */
    enroll_first();
    cr_assert_eq(chmod(place.file, 0660), 0);
    expect_refused(place.where, RATLS_IO, "others may write");
}

/* One byte of the file at a time: what was asked for, or a status with words; never a crash. */
Test(store_open, every_byte_of_a_file)
{
    static uint8_t bytes[1 << 20];
    struct store_sample s;
    unsigned refused = 0;
    size_t len;
    FILE *file;

    if (place.is_postgresql)
        return;
    enroll_first();
    store_sample(&s, 1, 1, 1, 1);
    file = fopen(place.file, "rb");
    len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    cr_assert_gt(len, 50000);
    umask(077);
    for (size_t at = 0; at < len; at += bytes[at] == 0 ? 997 : 17) {
        struct ratls_store_certificate c = {0};
        struct ratls_store *store = NULL;
        enum ratls_status status;

        err = (struct ratls_error){0};
        outcome = RATLS_STORE_UNKNOWN;
        bytes[at] ^= 0xff;
        write_file(bytes, len);
        status = ratls_store_open(place.where, &store, &err);
        if (status == RATLS_OK)
            status = ratls_store_result(store, s.challenge.id, &c, &outcome, &err);
        cr_expect(status == RATLS_OK || (status == RATLS_IO && err.text[0] != '\0'),
                  "byte %zu: %d %s", at, (int)status, err.text);
        refused += status != RATLS_OK;
        ratls_store_certificate_done(&c);
        ratls_store_close(store);
        bytes[at] ^= 0xff;
    }
    cr_expect_gt(refused, 50, "%u", refused);
}

static int enroll_without_space(void)
{
    const struct rlimit none = {0, 0};
    struct ratls_store *store = store_at(&place);
    struct store_sample s;

    store_sample(&s, 2, 2, 2, 2);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &none) != 0)
        return 100;
    err = (struct ratls_error){0};
    if (sample_put(store, &s, &outcome, &err) != RATLS_IO || err.text[0] == '\0')
        return 101;
    ratls_store_close(store);
    return 0;
}

Test(store_open, a_full_disk)
{
    pid_t child;
    int status;

    if (place.is_postgresql)
        return;
    enroll_first();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(enroll_without_space());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM request"), 1);
}
