/*
 * Files of the corpus of real machines, which lies beside the source tree and is no part of it.
 * A test over it has CORPUS_MAIN at its end.
 */
#ifndef RATLS_TEST_CORPUS_H
#define RATLS_TEST_CORPUS_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ratls/error.h>

#include "octets.h"

#define CORPUS_FILE_MAX (2 * 1024 * 1024)
#define CTEST_SKIPPED 77 /* SKIP_RETURN_CODE in tests/CMakeLists.txt */

/* RATLS_SOURCE_DIR/../shared/corpus/NAME. */
static inline void corpus_locate(const char *name, char path[static PATH_MAX])
{
    const char *source = getenv("RATLS_SOURCE_DIR");
    int len =
        snprintf(path, PATH_MAX, "%s/../shared/corpus/%s", source == NULL ? "." : source, name);

    cr_assert(len > 0 && len < PATH_MAX);
}

/* With a final NUL that is not counted; the caller frees. */
static inline struct octets corpus_read(const char *name)
{
    char path[PATH_MAX];
    struct octets content;
    FILE *stream;

    corpus_locate(name, path);
    stream = fopen(path, "rb");
    cr_assert_not_null(stream, "%s", path);
    content.p = malloc(CORPUS_FILE_MAX);
    cr_assert_not_null(content.p);
    content.len = fread(content.p, 1, CORPUS_FILE_MAX - 1, stream);
    fclose(stream);
    cr_assert(content.len > 0 && content.len < CORPUS_FILE_MAX - 1, "%s: %zu bytes", path,
              content.len);
    content.p[content.len] = '\0';
    content.p = realloc(content.p, content.len + 1); /* what is read behind it is seen */
    cr_assert_not_null(content.p);
    return content;
}

/* Without the corpus CTest shows the test as skipped, not as passed. */
static inline int corpus_run(int argc, char *argv[])
{
    struct criterion_test_set *tests;
    char path[PATH_MAX];
    bool has_passed = true;

    corpus_locate("cases.json", path);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "skipped: no corpus at %s\n", path);
        return CTEST_SKIPPED;
    }
    tests = criterion_initialize();
    if (criterion_handle_args(argc, argv, true) != 0)
        has_passed = criterion_run_all_tests(tests) != 0;
    criterion_finalize(tests);
    return has_passed ? 0 : 1;
}

/* Criterion's workers look main() up by its name, so it must not be hidden. */
#define CORPUS_MAIN                                                                                \
    RATLS_API int main(int argc, char *argv[])                                                     \
    {                                                                                              \
        return corpus_run(argc, argv);                                                             \
    }

#endif
