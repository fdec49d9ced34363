#include "null_tpm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ak.h"
#include "ak_state.h"
#include "command.h"
#include "crypto.h"
#include "quote.h"
#include "samples.h"

#define DEADLINE_MS 60000

static struct fake_tpm *the_tpm;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double spent_us;

/* The linker puts these before the attester's calls: --wrap in CMakeLists.txt. */
enum ratls_status __wrap_ratls_tpm_open(const char *tcti, struct ratls_tpm *ret_tpm,
                                        struct ratls_error *err);
void __wrap_ratls_tpm_close(struct ratls_tpm *tpm);
enum ratls_status __wrap_ratls_ak_load(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                       struct ratls_ak *ret_ak, struct ratls_error *err);
void __wrap_ratls_ak_unload(struct ratls_tpm *tpm, struct ratls_ak *ak);
enum ratls_status __wrap_ratls_quote_make(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                          const struct ratls_pcr_selection *selection,
                                          const uint8_t *qualifying,
                                          struct ratls_pcr_memory *memory,
                                          struct ratls_quote **ret_quote, struct ratls_error *err);

enum ratls_status __wrap_ratls_tpm_open(const char *tcti, struct ratls_tpm *ret_tpm,
                                        struct ratls_error *err)
{
    (void)tcti, (void)err;
    ret_tpm->esys = (ESYS_CONTEXT *)the_tpm; /* only looked at whether there is one */
    return RATLS_OK;
}

void __wrap_ratls_tpm_close(struct ratls_tpm *tpm)
{
    tpm->esys = NULL;
}

enum ratls_status __wrap_ratls_ak_load(struct ratls_tpm *tpm, const struct ratls_ak_state *state,
                                       struct ratls_ak *ret_ak, struct ratls_error *err)
{
    (void)tpm, (void)err;
    *ret_ak = (struct ratls_ak){.state = state, .key = 1};
    return RATLS_OK;
}

void __wrap_ratls_ak_unload(struct ratls_tpm *tpm, struct ratls_ak *ak)
{
    (void)tpm;
    ak->key = ESYS_TR_NONE;
}

static void put_root(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        fake_bytes_set(&draft->extra_data, arg, RATLS_QUALIFYING_LEN);
}

static struct ratls_slice add_part(struct ratls_quote *quote, size_t *len,
                                   const struct fake_bytes *part)
{
    uint8_t *place = quote->bytes + *len;

    memcpy(place, part->p, part->len);
    *len += part->len;
    return ratls_slice(place, part->len);
}

static struct ratls_quote *make_quote(const struct fake_draft *draft)
{
    struct ratls_quote *quote =
        malloc(sizeof *quote + draft->attest.len + draft->signature.len + draft->pcr_values.len);
    size_t len = 0;

    bench_must(quote != NULL, "out of memory");
    atomic_init(&quote->references, 1);
    quote->begun = ratls_time_from_now(0);
    quote->attest = add_part(quote, &len, &draft->attest);
    quote->signature = add_part(quote, &len, &draft->signature);
    quote->pcr_values = add_part(quote, &len, &draft->pcr_values);
    return quote;
}

enum ratls_status __wrap_ratls_quote_make(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                          const struct ratls_pcr_selection *selection,
                                          const uint8_t *qualifying,
                                          struct ratls_pcr_memory *memory,
                                          struct ratls_quote **ret_quote, struct ratls_error *err)
{
    const struct timespec latency = {0, NULL_TPM_MS * 1000000L};
    const struct ratls_attest_request request = {
        .mode = RATLS_MODE_HANDSHAKE, .role = RATLS_ROLE_SERVER, .selection = *selection};
    double begin = cpu_us();
    uint8_t root[RATLS_QUALIFYING_LEN];
    struct fake_draft *draft;

    (void)tpm, (void)ak, (void)memory, (void)err;
    nanosleep(&latency, NULL);
    memcpy(root, qualifying, sizeof root);
    draft = fake_tpm_attest(the_tpm, &request, put_root, root);
    *ret_quote = make_quote(draft);
    free(draft);
    pthread_mutex_lock(&lock);
    spent_us += cpu_us() - begin;
    pthread_mutex_unlock(&lock);
    return RATLS_OK;
}

double null_tpm_take_us(void)
{
    double us;

    pthread_mutex_lock(&lock);
    us = spent_us;
    spent_us = 0;
    pthread_mutex_unlock(&lock);
    return us;
}

static void remove_state(const char *folder)
{
    static const char *const files[] = {"ak.conf", "ak.pub"};
    static char path[RATLS_AK_PATH_LEN];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (ratls_ak_state_path(folder, files[i], path, NULL) == RATLS_OK)
            unlink(path);
    rmdir(folder);
}

struct ratls_attester *null_tpm_attester(struct fake_tpm *tpm)
{
    char folder[] = "/tmp/ratls-bench-XXXXXX";
    const struct ratls_tpm_options options = {
        .state_dir = folder, .boot_log = "", .ima_list = "", .deadline_ms = DEADLINE_MS};
    static struct ratls_ak_state state = {.handle = 0x81000001};
    uint8_t area[RATLS_TPM_STRUCTURE_MAX];
    struct ratls_attester *attester = NULL;
    struct ratls_error error = {0};

    the_tpm = tpm;
    state.public_len = fake_tpm_public(tpm, area);
    bench_must(state.public_len <= sizeof state.public_area && mkdtemp(folder) != NULL,
               "cannot make a state folder");
    memcpy(state.public_area, area, state.public_len);
    fake_tpm_name(tpm, area);
    memcpy(state.name, area, sizeof state.name);
    if (ratls_ak_state_store(folder, &state, &error) != RATLS_OK ||
        ratls_tpm_attester_new(&options, &attester, &error) != RATLS_OK)
        bench_must(0, error.text);
    remove_state(folder);
    return attester;
}
