/* A copy of a log that only grows: what it gives is what the file has, from every place. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_copy.h"

#define THREADS 8
#define PIECE 50000u

static char path[] = "/tmp/ratls-log.XXXXXX";
static struct ratls_log_file file;
static struct ratls_log_copy copy;
static uint8_t buffer[4 * RATLS_LOG_COPY_CHUNK];

static void open_file(void)
{
    struct stat info;

    file.fd = mkstemp(path);
    cr_assert_geq(file.fd, 0);
    cr_assert_eq(fstat(file.fd, &info), 0);
    file.device = info.st_dev;
    file.inode = info.st_ino;
}

static void close_file(void)
{
    ratls_log_copy_free(&copy);
    close(file.fd);
    unlink(path);
}

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + offset / 251);
}

static void grow_to(uint64_t begin, uint64_t end)
{
    size_t len = (size_t)(end - begin);
    uint8_t *bytes = malloc(len);

    cr_assert_not_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(begin + i);
    cr_assert_eq(pwrite(file.fd, bytes, len, (off_t)begin), (ssize_t)len);
    free(bytes);
}

/* How many bytes there were at an offset, all of them those of the file. */
static size_t expect_bytes(uint64_t offset, size_t max)
{
    size_t len = 0;

    cr_assert(ratls_log_copy_read(&copy, &file, offset, buffer, max, &len));
    cr_assert_leq(len, max);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(buffer[i], byte_at(offset + i), "at %zu", (size_t)offset + i);
    return len;
}

TestSuite(log_copy, .init = open_file, .fini = close_file);

Test(log_copy, from_every_place)
{
    const uint64_t ends[] = {0,
                             1,
                             RATLS_LOG_COPY_CHUNK - 1,
                             RATLS_LOG_COPY_CHUNK,
                             RATLS_LOG_COPY_CHUNK + 1,
                             3 * RATLS_LOG_COPY_CHUNK,
                             3 * RATLS_LOG_COPY_CHUNK + 7};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (i > 0)
            grow_to(ends[i - 1], ends[i]);
        for (size_t k = 0; k <= i; k++) {
            size_t left = (size_t)(ends[i] - ends[k]);

            cr_expect_eq(expect_bytes(ends[k], sizeof buffer), left, "%zu from %zu", i, k);
            cr_expect_eq(expect_bytes(ends[k], 100), left < 100 ? left : 100);
        }
        cr_expect_eq(expect_bytes(ends[i] + 1, 100), 0, "behind the end");
    }
}

/* Read once: what the file says there later is not looked at. */
Test(log_copy, read_once)
{
    uint64_t len = 0;

    grow_to(0, PIECE);
    cr_expect(ratls_log_copy_extend(&copy, &file, UINT64_MAX, &len));
    cr_expect_eq(len, PIECE);
    cr_assert_eq(pwrite(file.fd, "changed", 7, 10), 7);
    cr_expect_eq(expect_bytes(0, sizeof buffer), PIECE);
}

/* What nobody asked for is not copied. */
Test(log_copy, no_more_than_is_asked_for)
{
    grow_to(0, 3 * RATLS_LOG_COPY_CHUNK);
    cr_expect_eq(expect_bytes(2 * RATLS_LOG_COPY_CHUNK, 10), 10);
    cr_expect_eq(atomic_load(&copy.len), 0, "behind what is there");
    cr_expect_eq(expect_bytes(0, 10), 10);
    cr_expect_eq(atomic_load(&copy.len), RATLS_LOG_COPY_CHUNK);
    cr_expect_eq(expect_bytes(RATLS_LOG_COPY_CHUNK, 10), 10);
    cr_expect_eq(atomic_load(&copy.len), 2 * RATLS_LOG_COPY_CHUNK, "it goes on there");
}

Test(log_copy, shorter_than_it_was)
{
    size_t len = 0;

    grow_to(0, PIECE);
    cr_expect_eq(expect_bytes(0, sizeof buffer), PIECE);
    cr_assert_eq(ftruncate(file.fd, 100), 0);
    cr_assert_eq(pwrite(file.fd, "other", 5, 0), 5);
    cr_assert(ratls_log_copy_read(&copy, &file, 0, buffer, sizeof buffer, &len));
    cr_expect_eq(len, 100);
    cr_expect_eq(memcmp(buffer, "other", 5), 0, "it is read itself");
}

/* As after a fork in the middle of that: nobody adds to the copy any more. */
Test(log_copy, taken_for_ever)
{
    uint64_t len = 0;

    grow_to(0, PIECE);
    cr_expect_eq(expect_bytes(0, sizeof buffer), PIECE);
    atomic_store(&copy.is_taken, true);
    grow_to(PIECE, 3 * PIECE);
    cr_expect_eq(expect_bytes(0, sizeof buffer), 3 * PIECE, "the rest is of the file");
    cr_expect_eq(expect_bytes(2 * PIECE, sizeof buffer), PIECE, "so is all of it");
    cr_expect_not(ratls_log_copy_extend(&copy, &file, UINT64_MAX, &len));
    cr_expect_eq(len, PIECE);
}

Test(log_copy, longer_than_a_copy_can_be)
{
    const uint64_t end = RATLS_LOG_COPY_MAX + PIECE;
    uint64_t len = 0;

    grow_to(0, end);
    cr_expect_not(ratls_log_copy_extend(&copy, &file, UINT64_MAX, &len));
    cr_expect_eq(len, RATLS_LOG_COPY_MAX);
    cr_expect_eq(expect_bytes(RATLS_LOG_COPY_MAX - 10, sizeof buffer), PIECE + 10);
}

Test(log_copy, another_file)
{
    size_t len = 0;

    grow_to(0, PIECE);
    cr_expect_eq(expect_bytes(0, sizeof buffer), PIECE);
    file.inode++;
    errno = 0;
    cr_expect_not(ratls_log_copy_read(&copy, &file, 0, buffer, sizeof buffer, &len));
    cr_expect_eq(errno, EBADF, "what was copied is not sent either");
    cr_expect_not(ratls_log_file_read(&file, 0, buffer, sizeof buffer, &len));
}

static void *read_all(void *arg)
{
    uint8_t *bytes = malloc(PIECE);
    uint64_t offset = 0;
    bool is_right = bytes != NULL;
    size_t len = 1;

    while (is_right && len > 0) {
        is_right = ratls_log_copy_read(&copy, &file, offset, bytes, PIECE, &len);
        for (size_t i = 0; is_right && i < len; i++)
            is_right = bytes[i] == byte_at(offset + i);
        offset += len;
    }
    free(bytes);
    return is_right && offset == 20 * PIECE ? arg : NULL;
}

Test(log_copy, threads)
{
    pthread_t threads[THREADS];

    grow_to(0, 20 * PIECE);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_all, &copy), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;

        cr_assert_eq(pthread_join(threads[i], &result), 0);
        cr_expect_eq(result, &copy);
    }
}
