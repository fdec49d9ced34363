#include "proposal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "describe.h"
#include "fail.h"
#include "lists.h"

#define PCR(index) (UINT32_C(1) << (index))
#define PCRS_FIRMWARE 0xffu /* 0 to 7 */
#define PCRS_SETTINGS (PCR(1) | PCR(3) | PCR(5) | PCR(6))
#define PCRS_BOOT_AGGREGATE 0x3ffu /* 0 to 9 */
#define PCRS_LOADER (PCR(8) | PCR(9) | PCR(11) | PCR(12) | PCR(13) | PCR(14))

static uint32_t pcrs_of(enum ratls_topic topic)
{
    switch (topic) {
    case RATLS_TOPIC_FIRMWARE:
        return PCR(0) | PCR(2);
    case RATLS_TOPIC_SETTINGS:
        return PCR(1) | PCR(3);
    case RATLS_TOPIC_IMAGES:
        return PCR(4);
    case RATLS_TOPIC_PARTITIONS:
        return PCR(5);
    case RATLS_TOPIC_VARIABLES:
    case RATLS_TOPIC_SIGNERS:
        return PCR(7);
    case RATLS_TOPIC_COMMAND_LINES:
        return PCR(8) | PCR(12);
    case RATLS_TOPIC_FILES:
        return PCR(9) | PCR(11) | PCR(13);
    case RATLS_TOPIC_OWNER_KEYS:
        return PCR(14);
    default:
        return 0;
    }
}

/* Whether every fact of the topic can be written down: one that cannot would be refused later. */
static bool has_lines(const struct ratls_observation *o, enum ratls_topic topic)
{
    bool has_any = false;

    for (size_t i = 0; i < o->facts.count; i++) {
        const struct ratls_fact *fact = &o->facts.items[i];

        if (fact->topic != topic)
            continue;
        if (!ratls_fact_has_line(fact))
            return false;
        has_any = true;
    }
    return has_any;
}

/* The log must lead to the quoted value of each PCR that the key stands for. */
static bool can_ask(const struct ratls_observation *o, enum ratls_topic topic)
{
    const uint32_t pcrs = pcrs_of(topic);

    return o->boot != NULL && o->boot_why[0] == '\0' && o->boot_bank != RATLS_ALG_SHA1 &&
           (!o->has_quote || (o->boot_explained & pcrs) == pcrs) && has_lines(o, topic);
}

static bool is_secure_boot(const struct ratls_observation *o)
{
    return can_ask(o, RATLS_TOPIC_SIGNERS) && o->boot->secure_boot == RATLS_SECURE_BOOT_ON;
}

enum ratls_status ratls_proposal_name(const struct ratls_proposal_options *options,
                                      enum ratls_topic topic, uint16_t bank,
                                      struct ratls_proposal_file *file, struct ratls_error *err)
{
    char suffix[48];

    ratls_list_suffix(topic, bank, suffix, sizeof suffix);
    if (snprintf(file->name, sizeof file->name, "%s%s", options->stem, suffix) >=
        (int)sizeof file->name)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", options->stem);
    file->item = file->name;
    return RATLS_OK;
}

static enum ratls_status take(struct ratls_proposal *p,
                              const struct ratls_proposal_options *options, enum ratls_topic topic,
                              struct ratls_error *err)
{
    struct ratls_proposal_file *file = &p->files[topic];
    enum ratls_status status =
        ratls_proposal_name(options, topic, p->machine->boot_bank, file, err);

    if (status == RATLS_OK)
        status =
            ratls_list_write(&p->machine->facts, topic, p->comment, &file->text, &file->count, err);
    if (status == RATLS_OK && file->text != NULL) {
        p->judged |= pcrs_of(topic);
        p->has_boot = true;
    }
    return status;
}

static enum ratls_status take_boot(struct ratls_proposal *p,
                                   const struct ratls_proposal_options *options,
                                   struct ratls_error *err)
{
    static const enum ratls_topic topics[] = {
        RATLS_TOPIC_FIRMWARE,   RATLS_TOPIC_SETTINGS,   RATLS_TOPIC_IMAGES,
        RATLS_TOPIC_PARTITIONS, RATLS_TOPIC_VARIABLES,  RATLS_TOPIC_COMMAND_LINES,
        RATLS_TOPIC_FILES,      RATLS_TOPIC_OWNER_KEYS,
    };
    const struct ratls_observation *o = p->machine;
    enum ratls_status status = RATLS_OK;

    p->boot.secure_boot_ignored = !is_secure_boot(o);
    p->boot.images_signed = options->signed_images && is_secure_boot(o);
    if (!p->boot.secure_boot_ignored)
        status = take(p, options, RATLS_TOPIC_SIGNERS, err);
    for (size_t i = 0; status == RATLS_OK && i < sizeof topics / sizeof topics[0]; i++) {
        if (!can_ask(o, topics[i]) || (!options->settings && (pcrs_of(topics[i]) & PCRS_SETTINGS)))
            continue;
        /* Without Secure Boot no certificate stands for an authority. */
        if (topics[i] == RATLS_TOPIC_VARIABLES && p->boot.secure_boot_ignored &&
            has_lines(o, RATLS_TOPIC_SIGNERS))
            continue;
        if (topics[i] == RATLS_TOPIC_IMAGES && p->boot.images_signed)
            p->judged |= PCR(4);
        else
            status = take(p, options, topics[i], err);
    }
    return status;
}

struct ratls_draft_list ratls_proposal_list(const struct ratls_proposal *p, enum ratls_topic topic)
{
    const struct ratls_proposal_file *file = &p->files[topic];

    return (struct ratls_draft_list){.items = &file->item, .count = file->text != NULL};
}

static void draft_boot(struct ratls_proposal *p)
{
    p->boot.bank = p->machine->boot_bank;
    p->boot.signers = ratls_proposal_list(p, RATLS_TOPIC_SIGNERS);
    p->boot.variables = ratls_proposal_list(p, RATLS_TOPIC_VARIABLES);
    p->boot.images = ratls_proposal_list(p, RATLS_TOPIC_IMAGES);
    p->boot.firmware = ratls_proposal_list(p, RATLS_TOPIC_FIRMWARE);
    p->boot.settings = ratls_proposal_list(p, RATLS_TOPIC_SETTINGS);
    p->boot.partitions = ratls_proposal_list(p, RATLS_TOPIC_PARTITIONS);
    p->boot.command_lines = ratls_proposal_list(p, RATLS_TOPIC_COMMAND_LINES);
    p->boot.files = ratls_proposal_list(p, RATLS_TOPIC_FILES);
    p->boot.owner_keys = ratls_proposal_list(p, RATLS_TOPIC_OWNER_KEYS);
    p->draft.boot = p->has_boot ? &p->boot : NULL;
}

/* PCRs of a bank that are compared by value; see proposal.h and ratls-policy(1). */
static uint32_t value_pcrs(const struct ratls_proposal *p,
                           const struct ratls_proposal_options *options, uint16_t bank)
{
    const struct ratls_observation *o = p->machine;
    const bool is_main = bank == (p->has_boot ? o->boot_bank : RATLS_ALG_SHA256);
    uint32_t pcrs = 0;

    if (options->whole_quote)
        pcrs = UINT32_MAX;
    else if (is_main)
        /* What shim lets through, and another way to the kernel, show where nothing was before. */
        pcrs = PCRS_FIRMWARE | (p->boot.images_signed ? PCRS_LOADER : o->boot_pcrs & PCRS_LOADER);
    if (!options->whole_quote && p->has_boot && !options->settings)
        pcrs &= ~PCRS_SETTINGS;
    for (size_t i = 0; options->values != NULL && i < options->values->count; i++)
        if (options->values->banks[i].hash_alg == bank)
            pcrs |= options->values->banks[i].pcrs;
    if (p->has_boot && bank == o->boot_bank)
        pcrs &= ~p->judged;
    if (p->has_ima && bank == p->ima.bank)
        pcrs &= ~PCR(RATLS_IMA_PCR);
    if (p->has_ima && bank == p->ima.bank && options->whole_quote && p->has_boot)
        pcrs &= ~PCRS_BOOT_AGGREGATE | PCR(0) | PCR(2) | PCR(4) | PCR(7) | PCR(8) | PCR(9);
    return pcrs;
}

static void take_values(struct ratls_proposal *p, const struct ratls_proposal_options *options)
{
    const struct ratls_observation *o = p->machine;
    struct ratls_writer w = ratls_writer(p->values, sizeof p->values);

    for (size_t i = 0; o->has_quote && i < o->attest.selection.count; i++) {
        const uint16_t bank = o->attest.selection.banks[i].hash_alg;
        struct ratls_pcr_bank *chosen = &p->by_value.banks[p->by_value.count];
        const uint32_t pcrs = value_pcrs(p, options, bank) & o->attest.selection.banks[i].pcrs;

        if (pcrs == 0 || p->by_value.count == RATLS_BANKS_MAX)
            continue;
        *chosen = (struct ratls_pcr_bank){.hash_alg = bank, .pcrs = pcrs};
        p->by_value.count++;
        for (unsigned j = 0; j < RATLS_PCR_COUNT; j++)
            if ((pcrs & PCR(j)) != 0)
                ratls_write_bytes(&w, ratls_observation_pcr(o, bank, j));
    }
    p->values_len = w.len;
    p->draft.banks = p->by_value.banks;
    p->draft.bank_count = p->by_value.count;
    p->draft.values = ratls_writer_slice(&w);
}

static void draft_identity(struct ratls_proposal *p, const struct ratls_proposal_options *options)
{
    const struct ratls_observation *o = p->machine;
    const struct ratls_slice said = o->statement.service;
    char when[RATLS_TIME_TEXT_MAX];

    ratls_time_text(o->when, when);
    snprintf(p->source, sizeof p->source, "%s on %s%s", o->source, when,
             o->has_quote ? "" : ", not authenticated");
    if (options->service != NULL)
        snprintf(p->service, sizeof p->service, "%s", options->service);
    else if (o->has_quote)
        snprintf(p->service, sizeof p->service, "%.*s", (int)said.len, (const char *)said.p);
    snprintf(p->comment, sizeof p->comment, "learned from %s", p->source);
    p->draft.source = p->source;
    p->server_name = options->server_name;
    p->draft.servers = &p->server_name;
    p->draft.server_count = p->server_name != NULL;
    p->draft.for_clients = options->for_clients;
    p->draft.service =
        *p->service == '\0' || strcmp(p->service, "default") == 0 ? NULL : p->service;
    p->draft.ak_name = o->has_quote ? ratls_slice(o->ak_name, o->ak_name_len) : options->ak_name;
}

static void note_ima(FILE *out, const struct ratls_proposal *p)
{
    const struct ratls_observation *o = p->machine;

    if (o->ima_list == NULL)
        return;
    if (o->ima_why[0] != '\0')
        fprintf(out, "IMA is not compared: %s\n", o->ima_why);
    else if (!p->has_ima && o->ima.weak > 0)
        fprintf(out,
                "IMA is not compared: %" PRIu64 " of %" PRIu64
                " entries have no digest but SHA-1; start the kernel with ima_hash=sha256\n",
                o->ima.weak, o->ima.entries);
    else if (p->ima.violations_allowed)
        fprintf(out,
                "violations of IMA are allowed, for the machine has %" PRIu64
                " of them: files that were changed while they were read\n",
                o->ima.violations);
}

static void note_boot(FILE *out, const struct ratls_proposal *p)
{
    const struct ratls_observation *o = p->machine;

    if (o->boot_log != NULL && o->boot_why[0] != '\0')
        fprintf(out, "the boot log is of no use: %s\n", o->boot_why);
    else if (o->boot != NULL && o->boot_bank == RATLS_ALG_SHA1)
        fputs("the boot log is of no use: it has digests of SHA-1 only, which prove nothing\n",
              out);
    for (unsigned i = 0; o->boot != NULL && i < RATLS_PCR_COUNT; i++) {
        const uint32_t bit = PCR(i);
        const enum ratls_topic topic = ratls_boot_topic(i);

        if ((p->judged & bit) != 0 || (o->boot_pcrs & bit) == 0)
            continue;
        if ((o->boot_refuted & bit) != 0)
            fprintf(out, "PCR %u: the boot log does not lead to the quoted value\n", i);
        else if (topic == RATLS_TOPIC_COMMAND_LINES && !has_lines(o, topic))
            fprintf(out,
                    "PCR %u: a text in it is not in the log that was sent; the whole log "
                    "(--boot-log) may have it\n",
                    i);
    }
    if (p->files[RATLS_TOPIC_VARIABLES].text != NULL && o->boot != NULL &&
        o->boot->is_dma_unprotected)
        fputs("DMA Protection Disabled is allowed, for the machine says so of itself\n", out);
    if (p->has_boot && p->boot.secure_boot_ignored)
        fputs("Secure Boot is not on, or nobody signed what was loaded: it is not required\n", out);
}

static enum ratls_status write_notes(struct ratls_proposal *p,
                                     const struct ratls_proposal_options *options,
                                     struct ratls_error *err)
{
    char *notes = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&notes, &len);

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!options->ignores_logs) {
        note_boot(out, p);
        note_ima(out, p);
    }
    if (fclose(out) != 0) {
        free(notes);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    p->notes = notes;
    return RATLS_OK;
}

enum ratls_status ratls_propose(const struct ratls_observation *machine,
                                const struct ratls_proposal_options *options,
                                struct ratls_proposal *ret_proposal, struct ratls_error *err)
{
    struct ratls_proposal *p = ret_proposal;
    enum ratls_status status;

    memset(p, 0, sizeof *p);
    p->machine = machine;
    draft_identity(p, options);
    status = options->ignores_logs ? RATLS_OK : take_boot(p, options, err);
    if (status == RATLS_OK && !options->ignores_logs)
        status = ratls_propose_ima(p, options, err);
    if (status == RATLS_OK)
        status = write_notes(p, options, err);
    if (status != RATLS_OK)
        return status;
    draft_boot(p);
    take_values(p, options);
    return RATLS_OK;
}

void ratls_proposal_done(struct ratls_proposal *proposal)
{
    for (size_t i = 0; i < RATLS_TOPIC_COUNT; i++)
        free(proposal->files[i].text);
    free(proposal->notes);
}

bool ratls_proposal_has_meaning(const struct ratls_proposal *proposal)
{
    return proposal->has_boot || proposal->has_ima;
}
