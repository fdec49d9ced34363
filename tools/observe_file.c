#include "observe_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "file.h"

static enum ratls_status take_capture(const struct ratls_capture *capture,
                                      struct ratls_observation *o, struct ratls_error *err)
{
    struct ratls_capture_more more = ratls_capture_more(capture);
    struct ratls_slice *items = calloc(capture->more_count + 1, sizeof *items);
    const struct ratls_log_request request = {.ima_bank = 0};
    enum ratls_status status = RATLS_OK;

    if (items == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; status == RATLS_OK && i < capture->more_count; i++)
        status = more.more.fetch(&more.more, &request, &items[i], err);
    if (status == RATLS_OK)
        status = ratls_observe_evidence(o, &capture->expectation, capture->evidence, items,
                                        capture->more_count, err);
    free(items);
    return status;
}

enum ratls_status ratls_observe_bytes(const char *path, struct ratls_slice bytes,
                                      struct ratls_observation *o, struct ratls_error *err)
{
    struct ratls_evidence evidence;
    struct ratls_capture capture;

    if (ratls_capture_read(bytes, &capture))
        return take_capture(&capture, o, err);
    if (ratls_evidence_read(bytes, &evidence))
        return ratls_observe_evidence(o, NULL, bytes, NULL, 0, err);
    if (ratls_boot_choose_bank(bytes) != 0)
        return ratls_observe_boot_log(o, bytes, err);
    if (ratls_ima_choose_alg(bytes) != 0)
        return ratls_observe_ima_list(o, bytes, err);
    return ratls_fail(err, RATLS_MALFORMED,
                      "%s: neither a capture of 'ratls probe --save', nor evidence, nor a log of "
                      "the firmware (binary_bios_measurements), nor an IMA list in binary form "
                      "(binary_runtime_measurements)",
                      path);
}

static void set_source(struct ratls_observation *o, const char *path)
{
    struct stat info;

    ratls_escape(ratls_slice(path, strlen(path)), o->source, sizeof o->source);
    if (o->when == 0 && stat(path, &info) == 0)
        o->when = (int64_t)info.st_mtime;
}

enum ratls_status ratls_observe_file(const char *path, struct ratls_observation *o,
                                     struct ratls_error *err)
{
    enum ratls_status status;
    uint8_t *bytes = NULL;
    size_t len = 0;

    status = ratls_file_read_long(path, RATLS_CAPTURE_MAX, &bytes, &len, err);
    if (status == RATLS_OK)
        status = ratls_observe_bytes(path, ratls_slice(bytes, len), o, err);
    if (status == RATLS_OK)
        set_source(o, path);
    free(bytes);
    return status;
}

static enum ratls_status take_log(const char *path, size_t max, struct ratls_observation *o,
                                  enum ratls_status (*take)(struct ratls_observation *o,
                                                            struct ratls_slice log,
                                                            struct ratls_error *err),
                                  struct ratls_error *err)
{
    enum ratls_status status;
    uint8_t *bytes = NULL;
    size_t len = 0;

    if (path == NULL)
        return RATLS_OK;
    status = ratls_file_read_long(path, max, &bytes, &len, err);
    if (status == RATLS_OK)
        status = take(o, ratls_slice(bytes, len), err);
    if (status == RATLS_OK && o->source[0] == '\0')
        set_source(o, path);
    free(bytes);
    return status;
}

enum ratls_status ratls_observe_logs(const char *boot_log, const char *ima_list,
                                     struct ratls_observation *o, struct ratls_error *err)
{
    enum ratls_status status =
        take_log(boot_log, RATLS_EVENTLOG_LEN_MAX, o, ratls_observe_boot_log, err);

    if (status == RATLS_OK)
        status = take_log(ima_list, RATLS_IMA_LIST_MAX, o, ratls_observe_ima_list, err);
    return status;
}
