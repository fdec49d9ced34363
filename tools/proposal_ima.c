/* The section ima: files by their digests, or by who signed them. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "facts_policy.h"
#include "lists.h"
#include "proposal.h"

/* The policy reads them again, and refuses what is no certificate. */
static enum ratls_status read_signers(struct ratls_slice pem, struct ratls_ima_rules *ima,
                                      struct ratls_error *err)
{
    struct ratls_pem_certificate *list = NULL;
    size_t count = 0;
    enum ratls_status status = RATLS_OK;

    if (pem.len > 0)
        status = ratls_pem_certificates(pem, &list, &count, err);
    if (status == RATLS_OK)
        ima->signers = calloc(count + 1, sizeof *ima->signers);
    if (status == RATLS_OK && ima->signers == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; status == RATLS_OK && i < count; i++) {
        status = ratls_signer_init(list[i].certificate, &ima->signers[i], err);
        ima->signer_count += status == RATLS_OK;
    }
    ratls_pem_certificates_free(list, count);
    return status;
}

static void done_signers(struct ratls_ima_rules *ima)
{
    for (size_t i = 0; i < ima->signer_count; i++)
        ratls_signer_done(&ima->signers[i]);
    free(ima->signers);
}

static enum ratls_status read_exclude(const struct ratls_draft_list *list,
                                      struct ratls_patterns *ret, struct ratls_error *err)
{
    if (list->count == 0)
        return RATLS_OK;
    ret->items = calloc(list->count, sizeof *ret->items);
    if (ret->items == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; i < list->count; i++) {
        const struct ratls_slice text = ratls_slice(list->items[i], strlen(list->items[i]));
        const char *why = ratls_pattern_init(RATLS_PATTERN_PATH, text, &ret->items[i]);

        if (why != NULL)
            return ratls_fail(err, RATLS_USAGE, "--exclude %s: %s", list->items[i], why);
        ret->count++;
    }
    return RATLS_OK;
}

static bool has_only_lines(const struct ratls_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].topic == RATLS_TOPIC_IMA_ALLOW &&
            !ratls_fact_has_line(&facts->items[i]))
            return false;
    return true;
}

static enum ratls_status take_files(struct ratls_proposal *p,
                                    const struct ratls_proposal_options *options,
                                    const struct ratls_facts *unsigned_files,
                                    struct ratls_error *err)
{
    struct ratls_proposal_file *allow = &p->files[RATLS_TOPIC_IMA_ALLOW];
    struct ratls_proposal_file *signers = &p->files[RATLS_TOPIC_IMA_SIGNERS];
    enum ratls_status status = ratls_proposal_name(options, RATLS_TOPIC_IMA_ALLOW, 0, allow, err);

    if (status == RATLS_OK)
        status = ratls_list_write(unsigned_files, RATLS_TOPIC_IMA_ALLOW, p->comment, &allow->text,
                                  &allow->count, err);
    if (status != RATLS_OK || options->ima_signers.len == 0)
        return status;
    status = ratls_proposal_name(options, RATLS_TOPIC_IMA_SIGNERS, 0, signers, err);
    signers->text = strndup((const char *)options->ima_signers.p, options->ima_signers.len);
    signers->count = 1;
    if (status == RATLS_OK && signers->text == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    return status;
}

static void draft(struct ratls_proposal *p, const struct ratls_proposal_options *options)
{
    const struct ratls_observation *o = p->machine;

    p->has_ima = true;
    p->ima.bank = o->ima_explained ? o->ima_state.bank : RATLS_ALG_SHA256;
    p->ima.violations_allowed = o->ima.violations > 0;
    p->ima.allow = ratls_proposal_list(p, RATLS_TOPIC_IMA_ALLOW);
    p->ima.signed_by = ratls_proposal_list(p, RATLS_TOPIC_IMA_SIGNERS);
    p->ima.exclude = options->exclude;
    p->draft.ima = &p->ima;
}

enum ratls_status ratls_propose_ima(struct ratls_proposal *p,
                                    const struct ratls_proposal_options *options,
                                    struct ratls_error *err)
{
    const struct ratls_observation *o = p->machine;
    struct ratls_rules rules = {.ima.is_asked = true};
    struct ratls_facts unsigned_files = {.count = 0};
    const bool has_list = o->ima_list != NULL && o->ima_why[0] == '\0' && o->ima.entries > 0;
    enum ratls_status status = read_signers(options->ima_signers, &rules.ima, err);

    if (status == RATLS_OK)
        status = read_exclude(&options->exclude, &rules.ima.exclude, err);
    if (status == RATLS_OK && has_list)
        status = ratls_facts_missing(&rules, o, &unsigned_files, err);
    if (status == RATLS_OK && has_list && has_only_lines(&unsigned_files))
        status = take_files(p, options, &unsigned_files, err);
    if (status == RATLS_OK && has_list && options->exclude.count > 0 &&
        p->files[RATLS_TOPIC_IMA_ALLOW].count == 0 && options->ima_signers.len == 0)
        status = ratls_fail(err, RATLS_USAGE, "--exclude: no file is left that is compared");
    if (status == RATLS_OK && (p->files[RATLS_TOPIC_IMA_ALLOW].text != NULL ||
                               p->files[RATLS_TOPIC_IMA_SIGNERS].text != NULL))
        draft(p, options);
    if (status == RATLS_OK && options->exclude.count > 0 && !p->has_ima)
        status = ratls_fail(err, RATLS_USAGE,
                            "--exclude: the policy would compare no files: the machine has not "
                            "shown a list of Linux IMA");
    ratls_facts_done(&unsigned_files);
    free(rules.ima.exclude.items);
    done_signers(&rules.ima);
    return status;
}
