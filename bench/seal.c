/*
 * What a quote by a sealed key costs beside one by a key that is not sealed, of the same TPM, in
 * turn: four commands more (ratls-seal(1)). By the clock, for the TPM is another process, or a
 * chip. The keys are made by bench/seal.sh.
 * Usage: bench_seal [--rounds N] [--json] PLAIN-STATE SEALED-STATE
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ak.h"
#include "command.h"
#include "quote.h"
#include "samples.h"
#include "tpm_wire.h"

#define ROUNDS_DEFAULT 21
#define PER_ROUND 20

struct way {
    struct ratls_ak_state state;
    struct ratls_tpm tpm;
    struct ratls_ak ak;
    struct ratls_pcr_memory memory;
    struct samples us;
};

static void must(enum ratls_status status, const struct ratls_error *err)
{
    bench_must(status == RATLS_OK, err->text);
}

static void begin(const char *folder, struct way *way)
{
    struct ratls_error err = {.status = RATLS_OK};

    must(ratls_ak_state_load(folder, &way->state, &err), &err);
}

/*
 * A TPM without a resource manager serves one connection at a time. The first quote finds out which
 * state the machine is in, and is not counted.
 */
static double quote_us(struct way *way)
{
    const struct ratls_pcr_selection selection = {.banks = {{RATLS_ALG_SHA256, 0xff}}, .count = 1};
    const uint8_t qualifying[32] = {1};
    struct ratls_error err = {.status = RATLS_OK};
    double begun = 0;

    must(ratls_tpm_open(way->state.tcti, &way->tpm, &err), &err);
    must(ratls_ak_load(&way->tpm, &way->state, &way->ak, &err), &err);
    for (int i = 0; i <= PER_ROUND; i++) {
        struct ratls_quote *quote = NULL;

        if (i == 1)
            begun = bench_now_us();
        must(ratls_quote_make(&way->tpm, &way->ak, &selection, qualifying, &way->memory, &quote,
                              &err),
             &err);
        ratls_quote_free(quote);
    }
    begun = bench_now_us() - begun;
    ratls_ak_unload(&way->tpm, &way->ak);
    ratls_tpm_close(&way->tpm);
    way->memory.len = 0;
    return begun / PER_ROUND;
}

int main(int argc, char **argv)
{
    static struct way plain, sealed;
    static struct samples ratio;
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);

    bench_must(argc - optind == 2, "name two state folders: bench/seal.sh makes them");
    begin(argv[optind], &plain);
    begin(argv[optind + 1], &sealed);
    for (size_t round = 0; round < command.rounds; round++) {
        samples_add(&plain.us, quote_us(&plain));
        samples_add(&sealed.us, quote_us(&sealed));
        samples_add(&ratio, sealed.us.values[round] / plain.us.values[round]);
    }
    printf("a quote: %.0f us by a key that is not sealed, %.0f us by one that is: %.2f times "
           "(%.2f to %.2f)\n",
           samples_median(&plain.us), samples_median(&sealed.us), samples_median(&ratio),
           samples_min(&ratio), samples_max(&ratio));
    if (command.is_json) {
        printf("{");
        samples_print_json("sealed_quote", &ratio);
        printf("}\n");
    }
    ratls_ak_state_clear(&plain.state);
    ratls_ak_state_clear(&sealed.state);
    return 0;
}
