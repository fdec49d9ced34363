/* ratls roots import: certificates of makers of TPMs, from files that an administrator chose. */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"
#include "ek_certificate.h"
#include "fail.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "paths.h"
#include "roots_command.h"
#include "roots_file.h"
#include "walk.h"

#define FILE_MAX (16u << 20) /* bundles of a maker have megabytes */
#define FOLDER_MODE 0755
#define FILE_MODE 0644

struct import {
    const char *folder;
    bool may_pin;
    bool json;
    struct ratls_roots *roots;
    const char *path;  /* of the file that is being read */
    size_t counts[3];  /* new ones by enum ratls_root_kind; those that are of no CA */
    size_t known;      /* were there already */
    size_t unreadable; /* files, or certificates in them */
    size_t others;     /* files that are no certificates, by their looks */
};

static enum ratls_status make_folder(const char *path, struct ratls_error *err)
{
    if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    return RATLS_OK;
}

static enum ratls_status make_folders(const char *folder, struct ratls_error *err)
{
    static const enum ratls_root_kind kinds[] = {RATLS_ROOT_PINNED, RATLS_ROOT_INTERMEDIATE};
    char path[RATLS_PATH_MAX];
    enum ratls_status status = make_folder(folder, err);

    for (size_t i = 0; status == RATLS_OK && i < sizeof kinds / sizeof *kinds; i++) {
        if (snprintf(path, sizeof path, "%s/%s", folder, ratls_roots_part(kinds[i])) >=
            (int)sizeof path)
            return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", folder);
        status = make_folder(path, err);
    }
    return status;
}

/* PEM, behind a line for people (RFC 7468, 5.2). */
static enum ratls_status write_pem(const char *path, X509 *certificate, const char *name,
                                   struct ratls_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum ratls_status status = RATLS_OK;
    char *text = NULL;
    long len = 0;

    if (bio == NULL || BIO_printf(bio, "%s\n", name) < 0 ||
        PEM_write_bio_X509(bio, certificate) != 1)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    else
        len = BIO_get_mem_data(bio, &text);
    if (status == RATLS_OK)
        status = ratls_file_write(path, ratls_slice(text, (size_t)len), FILE_MODE, true, err);
    BIO_free(bio);
    return status;
}

/* What is pinned now was perhaps an intermediate before, and is no longer one. */
static enum ratls_status store(struct import *import, const struct ratls_root *root,
                               struct ratls_error *err)
{
    char path[RATLS_ROOTS_PATH_MAX], name[RATLS_EK_URL_MAX], hash[2 * sizeof root->sha256 + 1];
    enum ratls_status status =
        ratls_roots_path(import->folder, root->kind, root->sha256, path, err);

    ratls_ek_name_text(X509_get_subject_name(root->certificate), name, sizeof name);
    if (status == RATLS_OK)
        status = write_pem(path, root->certificate, name, err);
    if (status != RATLS_OK || root->kind != RATLS_ROOT_PINNED)
        return status;
    status = ratls_roots_path(import->folder, RATLS_ROOT_INTERMEDIATE, root->sha256, path, err);
    if (status == RATLS_OK && unlink(path) != 0 && errno != ENOENT)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    ratls_hex(ratls_slice(root->sha256, sizeof root->sha256), hash, sizeof hash);
    if (!import->json)
        printf("pinned %s  %s\n", hash, name);
    return status;
}

static const struct ratls_root *find_last(const struct import *import, struct ratls_slice der)
{
    uint8_t sha256[32];

    if (ratls_sha256(der, sha256, NULL) != RATLS_OK)
        return NULL;
    for (size_t i = ratls_roots_count(import->roots); i-- > 0;)
        if (memcmp(ratls_roots_at(import->roots, i)->sha256, sha256, sizeof sha256) == 0)
            return ratls_roots_at(import->roots, i);
    return NULL;
}

static enum ratls_status take_certificate(void *arg, struct ratls_slice der,
                                          struct ratls_error *err)
{
    struct import *import = arg;
    const struct ratls_root *root;
    struct ratls_error why = {0};
    enum ratls_root_kind kind;
    bool is_new = false;
    enum ratls_status status =
        ratls_roots_add(import->roots, der, import->may_pin, &kind, &is_new, &why);

    if (status == RATLS_MALFORMED) {
        ratls_complain("%s: %s", import->path, why.text);
        import->unreadable++;
        return RATLS_OK;
    }
    if (status != RATLS_OK)
        return ratls_fail(err, status, "%s", why.text);
    if (!is_new && kind != RATLS_ROOT_NONE) {
        import->known++;
        return RATLS_OK;
    }
    import->counts[kind]++;
    root = kind == RATLS_ROOT_NONE ? NULL : find_last(import, der);
    return root == NULL ? RATLS_OK : store(import, root, err);
}

static enum ratls_status take_file(void *arg, const char *path, struct ratls_error *err)
{
    struct import *import = arg;
    uint8_t *bytes = NULL;
    bool whole = true;
    size_t len = 0;
    enum ratls_status status = ratls_file_read_long(path, FILE_MAX, &bytes, &len, err);

    import->path = path;
    if (status == RATLS_OK && !ratls_roots_is_file(ratls_slice(bytes, len)))
        import->others++;
    else if (status == RATLS_OK)
        status = ratls_roots_read(ratls_slice(bytes, len), take_certificate, import, &whole, err);
    if (status == RATLS_OK && !whole) {
        ratls_complain("%s: not PEM to its end", path);
        import->unreadable++;
    }
    free(bytes);
    return status;
}

/* What is there already counts, too: a certificate is taken once. */
static enum ratls_status open_folder(struct import *import, struct ratls_error *err)
{
    enum ratls_status status = make_folders(import->folder, err);

    if (status == RATLS_OK)
        status = ratls_roots_load(import->folder, &import->roots, err);
    return status;
}

static void show(const struct import *import)
{
    const size_t *counts = import->counts;
    struct ratls_view v;

    if (!import->json) {
        printf("roots pinned: %zu, intermediate CAs: %zu; there already: %zu, of no CA: %zu, "
               "unreadable: %zu, other files: %zu\n",
               counts[RATLS_ROOT_PINNED], counts[RATLS_ROOT_INTERMEDIATE], import->known,
               counts[RATLS_ROOT_NONE], import->unreadable, import->others);
        return;
    }
    ratls_view_begin(&v, stdout, true, "Roots of makers of TPMs");
    ratls_view_uint(&v, "pinned", NULL, counts[RATLS_ROOT_PINNED], NULL);
    ratls_view_uint(&v, "intermediates", NULL, counts[RATLS_ROOT_INTERMEDIATE], NULL);
    ratls_view_uint(&v, "known", NULL, import->known, NULL);
    ratls_view_uint(&v, "notOfCa", NULL, counts[RATLS_ROOT_NONE], NULL);
    ratls_view_uint(&v, "unreadable", NULL, import->unreadable, NULL);
    ratls_view_uint(&v, "otherFiles", NULL, import->others, NULL);
    ratls_view_end(&v);
}

static int import_all(struct import *import, char **paths, int count)
{
    struct ratls_error err = {0};
    enum ratls_status status = open_folder(import, &err);

    for (int i = 0; status == RATLS_OK && i < count; i++)
        status = ratls_walk(paths[i], take_file, import, &err);
    ratls_roots_free(import->roots);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    show(import);
    return import->unreadable == 0 ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

int ratls_cmd_roots_import(int argc, char **argv)
{
    struct import import = {.folder = RATLS_ROOTS_DEFAULT};
    bool intermediates_only = false;
    const struct ratls_option rows[] = {
        {"roots", RATLS_OPTION_TEXT, &import.folder, "DIR",
         "folder of the roots (default " RATLS_ROOTS_DEFAULT ")"},
        {"intermediates-only", RATLS_OPTION_FLAG, &intermediates_only, NULL,
         "pin none: take all as CAs that help to get to a root"},
        {"json", RATLS_OPTION_FLAG, &import.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] FILE|FOLDER...",
        .about = "Takes over certificates of makers of TPMs: PEM with any number of them, or DER;\n"
                 "of a folder all files below it. What is signed by its own key becomes a root,\n"
                 "and is believed from then on: compare what is printed with what the maker\n"
                 "publishes. What cannot be read is named, and the rest taken.",
        .example = "  ratls roots import TrustedTpm/Infineon",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a file or a folder of certificates");
    import.may_pin = !intermediates_only;
    return import_all(&import, argv + first, argc - first);
}
