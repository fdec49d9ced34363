/* A CA in a folder of its own: files of issuers, and the configuration that names them. */
#ifndef RATLS_TEST_CA_SCENE_H
#define RATLS_TEST_CA_SCENE_H

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "issuer.h"
#include "pki.h"

#define SCENE_USAGE "critical,keyCertSign,cRLSign"
#define SCENE_PATH 128

static char scene_folder[64];
static char scene_files[8][SCENE_PATH];
static size_t scene_file_count;

static inline void scene_make(void)
{
    snprintf(scene_folder, sizeof scene_folder, "ca_scene.XXXXXX");
    cr_assert_not_null(mkdtemp(scene_folder));
    scene_file_count = 0;
}

static inline void scene_remove(void)
{
    while (scene_file_count > 0)
        unlink(scene_files[--scene_file_count]);
    rmdir(scene_folder);
}

/* A new file in the folder; the path stays until the scene ends. */
static inline char *scene_path(const char *name)
{
    char *path = scene_files[scene_file_count++];

    snprintf(path, SCENE_PATH, "%s/%s", scene_folder, name);
    return path;
}

static inline char *scene_certificate(const char *name, X509 *certificate)
{
    char *path = scene_path(name);

    pki_write_certificate(path, certificate);
    return path;
}

static inline char *scene_key(const char *name, EVP_PKEY *key, const char *passphrase)
{
    char *path = scene_path(name);
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    cr_assert_eq(PEM_write_PrivateKey(file, key, passphrase == NULL ? NULL : EVP_aes_256_cbc(),
                                      (const unsigned char *)passphrase,
                                      passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
                 1);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, 0600), 0);
    return path;
}

/* The usual one; the caller frees the certificate. */
static inline X509 *scene_ca(EVP_PKEY *key, int64_t not_after_s)
{
    const struct pki_spec spec = {.subject = "CA of a test",
                                  .key = key,
                                  .ca = "critical,CA:TRUE,pathlen:0",
                                  .key_usage = SCENE_USAGE,
                                  .not_after_s = not_after_s};

    return pki_certificate(&spec);
}

static inline enum ratls_status scene_open(struct ratls_ca_issuer_config *issuers, size_t count,
                                           struct ratls_issuers **ret, struct ratls_error *err)
{
    const struct ratls_ca_config config = {.issuers = issuers, .issuer_count = count};

    return ratls_issuers_open(&config, ret, err);
}

#endif
