/* ratls policy compile: lists of reference values in the form that is mapped, not parsed. */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "refvals.h"
#include "view.h"

#define COMPILED_MODE 0644

struct arguments {
    const char *out_path;
    bool replaces;
    bool json;
    char **files;
    size_t count;
};

/* To people on the spot; in JSON it is a member. A damaged file is found here, not later. */
static enum ratls_status load_all(const struct arguments *a, struct ratls_refvals **sets,
                                  struct ratls_error *err)
{
    for (size_t i = 0; i < a->count; i++) {
        enum ratls_status status;

        ratls_progress(a->files[i]);
        status = ratls_refvals_load(a->files[i], &sets[i], err);
        ratls_progress_done();
        if (status != RATLS_OK)
            return status;
        if (!a->json && ratls_refvals_unused(sets[i])[0] != '\0')
            ratls_complain("%s: left out: %s", a->files[i], ratls_refvals_unused(sets[i]));
    }
    return RATLS_OK;
}

/* What the new file says when it is loaded: what was written is what is told. */
static enum ratls_status show(const struct arguments *a, struct ratls_refvals *const *sets,
                              struct ratls_error *err)
{
    struct ratls_refvals *written = NULL;
    enum ratls_status status;
    struct ratls_view v;
    uint8_t digest[32];

    status = ratls_refvals_load(a->out_path, &written, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_refvals_digest(written, digest, err);
    if (status != RATLS_OK)
        goto out;
    ratls_view_begin(&v, stdout, a->json, "Compiled reference values");
    ratls_view_text(&v, "file", "file", a->out_path);
    ratls_view_uint(&v, "reference-values", "reference values", ratls_refvals_count(written), NULL);
    ratls_view_digest(&v, "sha256", "SHA-256 of them", ratls_slice(digest, sizeof digest));
    ratls_view_list(&v, "sources");
    for (size_t i = 0; i < a->count; i++) {
        ratls_view_section(&v, NULL, a->files[i]);
        ratls_view_text(&v, "file", NULL, a->files[i]);
        ratls_view_uint(&v, "reference-values", "reference values", ratls_refvals_count(sets[i]),
                        NULL);
        ratls_view_text(&v, "left-out", NULL, ratls_refvals_unused(sets[i]));
        ratls_view_section_end(&v);
    }
    ratls_view_list_end(&v);
    ratls_view_end(&v);

out:
    ratls_refvals_free(written);
    return status;
}

static enum ratls_status compile(const struct arguments *a, struct ratls_error *err)
{
    struct ratls_refvals **sets = calloc(a->count, sizeof(struct ratls_refvals *));
    enum ratls_status status;
    uint8_t *bytes = NULL;
    size_t len;

    if (sets == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_file_may_write(a->out_path, a->replaces, err);
    if (status == RATLS_OK)
        status = load_all(a, sets, err);
    if (status == RATLS_OK) {
        ratls_progress("sorting");
        status = ratls_refvals_compile(sets, a->count, &bytes, &len, err);
        ratls_progress_done();
    }
    if (status == RATLS_OK)
        status =
            ratls_file_write(a->out_path, ratls_slice(bytes, len), COMPILED_MODE, a->replaces, err);
    if (status == RATLS_OK)
        status = show(a, sets, err);
    free(bytes);
    for (size_t i = 0; i < a->count; i++)
        ratls_refvals_free(sets[i]);
    free(sets);
    return status;
}

int ratls_cmd_policy_compile(int argc, char **argv)
{
    struct arguments a = {0};
    const struct ratls_option rows[] = {
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE", "where the compiled file is written"},
        {"force", RATLS_OPTION_FLAG, &a.replaces, NULL, "replace the file if it exists"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print what was written as JSON"},
    };
    const struct ratls_options options = {
        .synopsis = "FILE... --out FILE",
        .about = "Merges files of reference values (sha256sum, Keylime, CoRIM, compiled) into one\n"
                 "that a policy can name instead, and that needs neither time nor memory to load.",
        .example = "  ratls policy compile debian.sha256 our.sha256 --out ima.refvals",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a file of reference values");
    if (a.out_path == NULL)
        return ratls_usage("--out says where the compiled file is written");
    a.files = argv + first;
    a.count = (size_t)(argc - first);
    status = compile(&a, &err);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
