#include "ca_world.h"

#include <ftw.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "enroll_token.h"
#include "must.h"
#include "roots_folder.h"

#define TEXT_MAX 2048
#define YEAR_S (365 * 86400)

static void make_path(const struct ca_world *world, const char *name, char out[static 128])
{
    must(snprintf(out, 128, "%s/%s", world->folder, name) < 128);
}

static void write_root(const struct ca_world *world)
{
    char folder[128], path[RATLS_ROOTS_PATH_MAX];
    uint8_t sha256[32];
    size_t len;
    uint8_t *der = pki_der(world->maker.root, &len);

    fake_digest(RATLS_ALG_SHA256, ratls_slice(der, len), sha256);
    OPENSSL_free(der);
    make_path(world, "roots", folder);
    must(ratls_roots_path(folder, RATLS_ROOT_PINNED, sha256, path, NULL) == RATLS_OK);
    pki_write_certificate(path, world->maker.root);
}

static void write_issuer(struct ca_world *world)
{
    struct pki_spec spec = {.subject = "Bank CA",
                            .ca = "critical,CA:TRUE",
                            .key_usage = "critical,keyCertSign,cRLSign",
                            .not_after_s = 5L * YEAR_S};
    char path[128];
    FILE *file;

    world->issuer_key = pki_key(PKI_P256);
    spec.key = world->issuer_key;
    world->issuer = pki_certificate(&spec);
    make_path(world, "ca.crt", path);
    pki_write_certificate(path, world->issuer);
    make_path(world, "ca.key", path);
    file = fopen(path, "w");
    must(file != NULL && chmod(path, 0600) == 0);
    must(PEM_write_PrivateKey(file, world->issuer_key, NULL, NULL, 0, NULL, NULL) == 1);
    must(fclose(file) == 0);
}

static void open_ca(struct ca_world *world, const char *more)
{
    struct ratls_error err = {0};
    char text[TEXT_MAX], path[128];
    int len = snprintf(text, sizeof text,
                       "ca: 1\nstore: '%s'\nroots: %s/roots\n"
                       "issuers:\n  - {certificate: ca.crt, key: ca.key}\n"
                       "names: [\"*.bank.example\", bank.example]\n%s",
                       world->place.where, world->folder, more);

    must(len > 0 && (size_t)len < sizeof text);
    make_path(world, "ca.yaml", path);
    if (ratls_ca_config_read(path, ratls_slice(text, (size_t)len), &world->config, &err) !=
            RATLS_OK ||
        ratls_ca_open(world->config, world->now, &world->ca, &err) != RATLS_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

void ca_world_make(struct ca_world *world, const char *more)
{
    char path[128];

    memset(world, 0, sizeof *world);
    world->now = (int64_t)time(NULL);
    store_place_make(&world->place);
    snprintf(world->folder, sizeof world->folder, "/tmp/ratls-ca-XXXXXX");
    must(mkdtemp(world->folder) != NULL);
    make_path(world, "roots", path);
    must(mkdir(path, 0755) == 0);
    make_path(world, "roots/roots", path);
    must(mkdir(path, 0755) == 0);
    ca_maker_make(&world->maker);
    write_root(world);
    write_issuer(world);
    open_ca(world, more);
}

void ca_world_reopen(struct ca_world *world, const char *more)
{
    ratls_ca_close(world->ca);
    ratls_ca_config_free(world->config);
    open_ca(world, more);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void ca_world_done(struct ca_world *world)
{
    ratls_ca_close(world->ca);
    ratls_ca_config_free(world->config);
    store_place_remove(&world->place);
    must(nftw(world->folder, remove_one, 4, FTW_DEPTH | FTW_PHYS) == 0);
    ca_maker_done(&world->maker);
    EVP_PKEY_free(world->issuer_key);
    X509_free(world->issuer);
}

struct ratls_ca_answer ca_world_ask(struct ca_world *world, struct ratls_slice request)
{
    struct ratls_ca_answer answer = {.http_status = 0};
    struct ratls_error err = {0};

    if (ratls_ca_take_request(world->ca, request, RATLS_CA_FILES, world->now, &answer, &err) !=
        RATLS_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return answer;
}

struct ratls_ca_answer ca_world_answer(struct ca_world *world, struct ratls_slice reply)
{
    struct ratls_ca_answer answer = {.http_status = 0};
    struct ratls_error err = {0};

    if (ratls_ca_take_answer(world->ca, reply, world->now, &answer, &err) != RATLS_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return answer;
}

struct search {
    const char *kind, *reason;
    unsigned count;
};

static bool count_record(void *arg, const struct ratls_store_record *record)
{
    struct search *search = arg;

    search->count +=
        strcmp(record->kind, search->kind) == 0 && strstr(record->detail, search->reason) != NULL;
    return true;
}

unsigned ca_world_count_refused(const struct ca_world *world, const char *kind, const char *reason)
{
    char text[64];
    struct search search = {.kind = kind, .reason = text};

    snprintf(text, sizeof text, "%s: ", reason);
    must(ratls_store_each_record(ratls_ca_store(world->ca), 1, count_record, &search, NULL) ==
         RATLS_OK);
    return search.count;
}

void ca_world_token(struct ca_world *world, struct ratls_store_token *terms,
                    char out[static CA_TOKEN_SIZE])
{
    uint8_t token[RATLS_ENROLL_TOKEN_LEN];
    enum ratls_store_outcome outcome;

    must(RAND_bytes(token, sizeof token) == 1);
    ratls_enroll_token_write(token, out);
    memcpy(terms->id, token, sizeof terms->id);
    fake_digest(RATLS_ALG_SHA256, ratls_slice(out, strlen(out)), terms->key);
    must(ratls_store_add_token(ratls_ca_store(world->ca), terms, world->now, &outcome, NULL) ==
             RATLS_OK &&
         outcome == RATLS_STORE_DONE);
}
