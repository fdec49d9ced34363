/* Rules for files, in a policy that is built in memory. */
#include <stdlib.h>
#include <string.h>

#include "fake_ima.h"
#include "must.h"

#define REFERENCES_MAX 1024
#define PCRS_OF_IMA 0x7ffu

struct reference {
    uint8_t fill;
    const char *name;
};

static const struct reference allowed[] = {
    {FILL_LS, "/usr/bin/ls"},   {FILL_LS, "/usr/sbin/fsck"},   {FILL_CAT, "/usr/bin/cat"},
    {FILL_BAD, "/usr/bin/bad"}, {FILL_KEXEC, "kexec-cmdline"},
};
static const struct reference denied[] = {{FILL_BAD, "bad"}};

static void set_references(const struct reference *references, size_t count,
                           struct ratls_references *ret)
{
    char text[REFERENCES_MAX] = "";
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < 32; k++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%02x", references[i].fill);
        len += (size_t)snprintf(text + len, sizeof text - len, "  %s\n", references[i].name);
        must(len < sizeof text);
    }
    ret->sets = calloc(1, sizeof *ret->sets);
    must(ret->sets != NULL);
    must(ratls_refvals_parse("fake.sha256", ratls_slice(text, len), &ret->sets[0], NULL) ==
         RATLS_OK);
    ret->count = 1;
}

static void set_pattern(const char *text, struct ratls_patterns *ret)
{
    ret->items = calloc(1, sizeof *ret->items);
    must(ret->items != NULL);
    must(ratls_pattern_init(RATLS_PATTERN_PATH, ratls_slice(text, strlen(text)), &ret->items[0]) ==
         NULL);
    ret->count = 1;
}

EVP_PKEY *fake_ima_allow(struct ratls_rules *rules)
{
    struct ratls_ima_rules *r = &rules->ima;
    struct ratls_pcr_selection *selection = &rules->selection;

    *r = (struct ratls_ima_rules){.is_asked = true, .bank = RATLS_ALG_SHA256, .syncs = true};
    set_references(allowed, sizeof allowed / sizeof allowed[0], &r->allow);
    set_references(denied, 1, &r->deny);
    set_pattern("/var/log/**", &r->exclude);
    set_pattern("/usr/sbin/**", &r->signature_required);
    memset(r->sha256, 0x77, sizeof r->sha256);
    must(selection->count == 1 && selection->banks[0].hash_alg == RATLS_ALG_SHA256);
    selection->banks[0].pcrs |= PCRS_OF_IMA;
    r->signers = calloc(1, sizeof *r->signers);
    must(r->signers != NULL);
    r->signer_count = 1;
    return fake_ima_key(&r->signers[0]);
}

static void free_references(struct ratls_references *references)
{
    for (size_t i = 0; i < references->count; i++)
        ratls_refvals_free(references->sets[i]);
    free(references->sets);
}

void fake_ima_forget(struct ratls_rules *rules)
{
    struct ratls_ima_rules *r = &rules->ima;

    free_references(&r->allow);
    free_references(&r->deny);
    free(r->exclude.items);
    free(r->signature_required.items);
    for (size_t i = 0; i < r->signer_count; i++)
        ratls_signer_done(&r->signers[i]);
    free(r->signers);
    *r = (struct ratls_ima_rules){.is_asked = false};
}
