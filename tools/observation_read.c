/* From what was taken to facts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_phases.h"
#include "boot_words.h"
#include "crypto.h"
#include "fail.h"
#include "observation.h"

static enum ratls_status compare_pcr(struct ratls_observation *o, struct ratls_hasher *hasher,
                                     unsigned index, struct ratls_error *err)
{
    const struct ratls_replay_pcr *pcr = &o->boot->replay.pcrs[index];
    const struct ratls_slice quoted = ratls_observation_pcr(o, o->boot_bank, index);
    const struct ratls_slice value = ratls_slice(pcr->value, hasher->len);
    const uint32_t bit = UINT32_C(1) << index;
    enum ratls_status status = RATLS_OK;
    bool is_same = quoted.len > 0 && ratls_slice_equal(value, quoted);

    if (pcr->events > 0)
        o->boot_pcrs |= bit;
    if (quoted.len > 0 && index == RATLS_BOOT_PHASES_PCR)
        status = ratls_boot_phases(hasher, value, quoted, &is_same, err);
    if (is_same)
        o->boot_explained |= bit;
    else if (quoted.len > 0 && pcr->events > 0)
        o->boot_refuted |= bit;
    return status;
}

static enum ratls_status compare_pcrs(struct ratls_observation *o, struct ratls_error *err)
{
    struct ratls_hasher hasher;
    enum ratls_status status = ratls_hasher_begin(o->boot_bank, &hasher, err);

    for (unsigned i = 0; status == RATLS_OK && i < RATLS_PCR_COUNT; i++)
        status = compare_pcr(o, &hasher, i, err);
    ratls_hasher_end(&hasher);
    return status;
}

/* What the quote does not cover may have been made up; its own words are no part of the log. */
static void drop_unauthenticated(struct ratls_observation *o, struct ratls_facts *from)
{
    size_t kept = 0;

    for (size_t i = 0; i < from->count; i++) {
        struct ratls_fact *fact = &from->items[i];

        if (!o->has_quote || fact->topic <= RATLS_TOPIC_PCR ||
            (o->boot_explained & UINT32_C(1) << fact->pcr) != 0)
            from->items[kept++] = *fact;
        else
            free(fact->bytes);
    }
    from->count = kept;
}

static enum ratls_status read_boot(struct ratls_observation *o, enum ratls_eventlog_rigor rigor,
                                   struct ratls_error *err)
{
    const struct ratls_slice log = ratls_slice(o->boot_log, o->boot_log_len);
    enum ratls_status status;

    o->boot_bank = ratls_boot_choose_bank(log);
    if (o->boot_bank == 0) {
        snprintf(o->boot_why, sizeof o->boot_why,
                 "it is no event log, or of no bank that is known");
        return RATLS_OK;
    }
    o->boot = calloc(1, sizeof *o->boot);
    if (o->boot == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status =
        ratls_facts_of_boot(log, o->boot_bank, rigor, o->is_boot_of_peer, &o->facts, o->boot, err);
    if (status != RATLS_OK)
        return status;
    memcpy(o->boot_why, o->boot->why, sizeof o->boot_why);
    if (o->boot_why[0] != '\0')
        return RATLS_OK;
    status = compare_pcrs(o, err);
    if (status != RATLS_OK)
        return status;
    drop_unauthenticated(o, &o->facts);
    if (o->has_quote && (o->boot_explained & 1u << 7) == 0)
        return RATLS_OK;
    return ratls_facts_add_text(&o->facts, RATLS_TOPIC_SECURE_BOOT, "Secure Boot",
                                ratls_secure_boot_word(o->boot->secure_boot), err);
}

/* The bank of the quote in which PCR 10 is; 0 if it is in none. */
static uint16_t find_ima_bank(const struct ratls_observation *o)
{
    for (size_t i = 0; i < o->attest.selection.count; i++)
        if ((o->attest.selection.banks[i].pcrs & UINT32_C(1) << RATLS_IMA_PCR) != 0)
            return o->attest.selection.banks[i].hash_alg;
    return 0;
}

static enum ratls_status replay_ima(struct ratls_observation *o, uint16_t bank, bool *ret_found,
                                    struct ratls_error *err)
{
    const enum ratls_ima_mode mode = RATLS_IMA_EITHER;
    struct ratls_ima_replay replay = {.state = {.bank = 0}};
    enum ratls_status status;
    struct ratls_ima_state state;

    status = ratls_ima_state_init(o->ima_alg, bank, mode, &state, err);
    if (status == RATLS_OK)
        status = ratls_ima_replay_open(&state, &replay, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_ima_replay_until(&replay, ratls_slice(o->ima_list, o->ima_list_len),
                                    ratls_observation_pcr(o, bank, RATLS_IMA_PCR), ret_found, err);
    o->ima_state = replay.state;
    ratls_ima_replay_close(&replay);
    return status;
}

/* How many entries count: those that lead to the quoted PCR 10; without a quote all. */
static enum ratls_status authenticate_ima(struct ratls_observation *o, uint64_t *ret_entries,
                                          struct ratls_error *err)
{
    const uint16_t bank = find_ima_bank(o);
    struct ratls_error why = {.status = RATLS_OK};
    enum ratls_status status;

    *ret_entries = UINT64_MAX;
    if (!o->has_quote)
        return RATLS_OK;
    *ret_entries = 0;
    if (bank == 0) {
        snprintf(o->ima_why, sizeof o->ima_why, "PCR 10 was not quoted");
        return RATLS_OK;
    }
    status = replay_ima(o, bank, &o->ima_explained, &why);
    if (status != RATLS_OK && status != RATLS_MALFORMED)
        return ratls_fail(err, status, "%s", why.text);
    if (o->ima_explained)
        *ret_entries = o->ima_state.entries;
    else
        snprintf(o->ima_why, sizeof o->ima_why, "%s",
                 status == RATLS_OK ? "no part of it leads to the quoted PCR 10" : why.text);
    return RATLS_OK;
}

static enum ratls_status read_ima(struct ratls_observation *o, struct ratls_error *err)
{
    const struct ratls_slice list = ratls_slice(o->ima_list, o->ima_list_len);
    struct ratls_error why = {.status = RATLS_OK};
    uint64_t entries = 0;
    enum ratls_status status;

    if (o->ima_alg == 0) {
        snprintf(o->ima_why, sizeof o->ima_why, "it is no IMA list in binary form");
        return RATLS_OK;
    }
    status = authenticate_ima(o, &entries, err);
    if (status != RATLS_OK || entries == 0)
        return status;
    status = ratls_facts_of_ima(list, o->ima_alg, entries, &o->facts, &o->ima, &why);
    if (status == RATLS_MALFORMED) {
        snprintf(o->ima_why, sizeof o->ima_why, "%s", why.text);
        return RATLS_OK;
    }
    return status == RATLS_OK ? RATLS_OK : ratls_fail(err, status, "%s", why.text);
}

static enum ratls_status add_identity(struct ratls_observation *o, struct ratls_error *err)
{
    char text[2 * RATLS_TPM_NAME_MAX + 1];
    enum ratls_status status;

    ratls_hex(ratls_slice(o->ak_name, o->ak_name_len), text, sizeof text);
    status = ratls_facts_add_text(&o->facts, RATLS_TOPIC_IDENTITY, "attestation key", text, err);
    ratls_escape(o->statement.service, text, sizeof text);
    if (status == RATLS_OK)
        status = ratls_facts_add_text(&o->facts, RATLS_TOPIC_IDENTITY, "service", text, err);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)o->attest.firmware_version);
    if (status == RATLS_OK)
        status =
            ratls_facts_add_text(&o->facts, RATLS_TOPIC_IDENTITY, "firmware of the TPM", text, err);
    return status;
}

static enum ratls_status add_pcr(struct ratls_observation *o, uint16_t bank, unsigned index,
                                 struct ratls_slice value, struct ratls_error *err)
{
    char name[32];
    struct ratls_fact fact = {
        .topic = RATLS_TOPIC_PCR, .form = RATLS_FACT_DIGEST, .pcr = index, .value = value};

    snprintf(name, sizeof name, "%s PCR %u", ratls_tpm_hash_name(bank), index);
    fact.name = ratls_slice(name, strlen(name));
    return ratls_facts_add(&o->facts, &fact, err);
}

static enum ratls_status add_pcrs(struct ratls_observation *o, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; i < o->attest.selection.count; i++)
        for (unsigned j = 0; status == RATLS_OK && j < RATLS_PCR_COUNT; j++) {
            const uint16_t bank = o->attest.selection.banks[i].hash_alg;
            const struct ratls_slice value = ratls_observation_pcr(o, bank, j);

            if (value.len > 0)
                status = add_pcr(o, bank, j, value, err);
        }
    return status;
}

enum ratls_status ratls_observation_read(struct ratls_observation *o,
                                         enum ratls_eventlog_rigor rigor, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (o->has_quote)
        status = add_identity(o, err);
    if (status == RATLS_OK && o->has_quote)
        status = add_pcrs(o, err);
    if (status == RATLS_OK && o->boot_log != NULL)
        status = read_boot(o, rigor, err);
    if (status == RATLS_OK && o->ima_list != NULL)
        status = read_ima(o, err);
    else if (status == RATLS_OK && o->has_quote && o->evidence.has_ima)
        snprintf(o->ima_why, sizeof o->ima_why,
                 "the evidence has only what came behind an earlier appraisal: without a folder "
                 "of state it is whole");
    return status;
}
