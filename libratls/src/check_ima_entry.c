/*
 * What the entries say, each by itself, of the prefix that PCR 10 stands for.
 *
 * A file is allowed by its digest for its path, by a signature of the policy, or because its path
 * is excluded. Where a path needs a signature nothing else counts. A digest that is denied is
 * denied everywhere. Of a module with an appended signature (modsig) the digest of the whole file
 * counts; the signature inside is not read. Digests of fs-verity are no digests of contents: only a
 * signature (version 3) stands for them. Measured buffers (template ima-buf) are as files, with
 * names without "/".
 */
#include "check_ima.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "ima_boot.h"
#include "ima_signature.h"

#define AHEAD 8           /* entries that are read before the first of them is judged */
#define PATH_SHOWN_MIN 48 /* a digest gives way to it */
#define BEHIND "; what follows is authentic too"

struct judge {
    struct ratls_appraisal *a;
    const struct ratls_ima_rules *rules;
    struct ratls_ledger_row *base;
    struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS]; /* quoted */
    uint8_t boot_aggregate[RATLS_DIGEST_MAX];     /* of these */
};

/* "sha256:4d…"; "none" if there is no digest. */
static void print_digest(const struct ratls_ima_digest *digest, char *out, size_t cap)
{
    const char *name = ratls_ima_hash_name(digest->hash);
    int len = snprintf(out, cap, "%s%s:", digest->is_verity ? "verity:" : "",
                       name == NULL ? "unknown" : name);

    if (digest->value.len == 0)
        snprintf(out, cap, "no digest");
    else if (len > 0 && (size_t)len < cap)
        ratls_hex(digest->value, out + len, cap - (size_t)len);
}

static void append(char text[static RATLS_VALUE_MAX], const char *more)
{
    size_t len = strlen(text);

    snprintf(text + len, RATLS_VALUE_MAX - len, "%s", more);
}

/* The path, cut so that there is room for `more` behind it. */
static void print_path(const struct ratls_ima_entry *entry, const char *separator, const char *more,
                       char out[static RATLS_VALUE_MAX])
{
    ratls_escape(entry->path, out, RATLS_VALUE_MAX - strlen(separator) - strlen(more));
    if (entry->path.len == 0)
        snprintf(out, RATLS_VALUE_MAX, "an entry without a path");
    append(out, separator);
    append(out, more);
}

/* "/usr/bin/x has sha256:4d…" */
static void print_file(const struct ratls_ima_entry *entry, char out[static RATLS_VALUE_MAX])
{
    char digest[RATLS_VALUE_MAX - PATH_SHOWN_MIN];

    print_digest(&entry->file, digest, sizeof digest);
    print_path(entry, " has ", digest, out);
}

/* Words for one entry that fails a check. why == NULL: its path and digest say it all. */
static void fail_entry(struct judge *j, enum ratls_check check, const struct ratls_ima_entry *entry,
                       const char *expected, const char *why)
{
    char at[RATLS_AT_MAX], wanted[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    if (!ratls_check_decide(j->a->report, check, false))
        return;
    ratls_ima_place(entry->number, at);
    snprintf(wanted, sizeof wanted, "%s%s", expected, BEHIND);
    if (why == NULL)
        print_file(entry, actual);
    else
        print_path(entry, ": ", why, actual);
    ratls_check_say(j->a->report, check, at, wanted, actual);
}

/* Of the three hashes that lists of digests are made with; others may be as long, and are not. */
static bool is_listed_hash(const struct ratls_ima_digest *digest)
{
    return !digest->is_verity && digest->value.len > 0 &&
           (digest->hash == RATLS_IMA_HASH_SHA256 || digest->hash == RATLS_IMA_HASH_SHA384 ||
            digest->hash == RATLS_IMA_HASH_SHA512);
}

static bool is_allowed(const struct ratls_references *allow, const struct ratls_ima_entry *entry)
{
    if (!is_listed_hash(&entry->file))
        return false;
    for (size_t i = 0; i < allow->count; i++) {
        if (ratls_refvals_allows(allow->sets[i], entry->file.value, entry->path))
            return true;
    }
    return false;
}

static bool has_digest(const struct ratls_references *references,
                       const struct ratls_ima_digest *digest)
{
    return is_listed_hash(digest) && ratls_references_have(references, digest->value);
}

static bool match_any(const struct ratls_patterns *patterns, struct ratls_slice path)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (ratls_pattern_match(&patterns->items[i], path))
            return true;
    }
    return false;
}

/* What would have been allowed for this path; or what else the digest is allowed for. */
static void print_allowed(const struct judge *j, const struct ratls_ima_entry *entry,
                          char out[static RATLS_VALUE_MAX])
{
    const struct ratls_references *allow = &j->rules->allow;
    char text[RATLS_VALUE_MAX - 40 - sizeof BEHIND];

    snprintf(out, RATLS_VALUE_MAX, "a file that is allowed%s: nothing is for this path" BEHIND,
             j->rules->signer_count > 0 ? ", or signed" : "");
    for (size_t i = 0; i < allow->count; i++) {
        struct ratls_slice digest = ratls_refvals_find(allow->sets[i], entry->path);

        if (digest.len == 0)
            continue;
        ratls_hex(digest, text, sizeof text);
        snprintf(out, RATLS_VALUE_MAX, "allowed is %s" BEHIND, text);
        return;
    }
    for (size_t i = 0; i < allow->count && is_listed_hash(&entry->file); i++) {
        if (!ratls_refvals_has(allow->sets[i], entry->file.value))
            continue;
        ratls_escape(ratls_refvals_name(allow->sets[i], entry->file.value), text, sizeof text);
        snprintf(out, RATLS_VALUE_MAX, "this digest is allowed for %s" BEHIND, text);
        return;
    }
}

static void fail_allow(struct judge *j, const struct ratls_ima_entry *entry)
{
    char expected[RATLS_VALUE_MAX];

    if (ratls_check_decide(j->a->report, RATLS_CHECK_IMA_ALLOW, false)) {
        char at[RATLS_AT_MAX], actual[RATLS_VALUE_MAX];

        ratls_ima_place(entry->number, at);
        print_allowed(j, entry, expected);
        print_file(entry, actual);
        ratls_check_say(j->a->report, RATLS_CHECK_IMA_ALLOW, at, expected, actual);
    }
}

static enum ratls_status judge_signature(struct judge *j, const struct ratls_ima_entry *entry)
{
    const char *why = "there is no certificate to check it with";
    enum ratls_status status = RATLS_OK;

    if (j->rules->signer_count > 0)
        status = ratls_ima_check_signature(entry, j->rules->signers, j->rules->signer_count, &why,
                                           j->a->err);
    if (status == RATLS_OK && why != NULL)
        fail_entry(j, RATLS_CHECK_IMA_SIGNATURE, entry,
                   "a signature by a certificate of the policy", why);
    return status;
}

static enum ratls_status judge_file(struct judge *j, const struct ratls_ima_entry *entry)
{
    const struct ratls_ima_rules *rules = j->rules;

    if (has_digest(&rules->deny, &entry->file) || has_digest(&rules->deny, &entry->without_modsig))
        fail_entry(j, RATLS_CHECK_IMA_DENY, entry, "a file that is not denied", NULL);
    if (match_any(&rules->signature_required, entry->path))
        return judge_signature(j, entry);
    if (is_allowed(&rules->allow, entry) || match_any(&rules->exclude, entry->path))
        return RATLS_OK;
    if (rules->signer_count > 0 && ratls_ima_field(entry, RATLS_IMA_SIG).len > 0)
        return judge_signature(j, entry);
    if (rules->signer_count > 0 || rules->allow.count > 0)
        fail_allow(j, entry);
    return RATLS_OK;
}

/* What PCR 0 to 9 give, as the first entry must have it. */
static enum ratls_status compute_boot(struct judge *j)
{
    uint16_t bank = j->rules->bank;

    for (unsigned i = 0; i < RATLS_IMA_BOOT_PCRS; i++) {
        if (!ratls_quoted_pcr(j->a, bank, i, &j->pcrs[i]))
            j->pcrs[i] = ratls_slice(NULL, 0); /* refused below: not as long as its bank's */
    }
    return ratls_ima_boot_aggregate(bank, j->pcrs, j->boot_aggregate, j->a->err);
}

static void print_boot(const struct judge *j, char out[static RATLS_VALUE_MAX])
{
    char hex[2 * RATLS_DIGEST_MAX + 1];

    ratls_hex(ratls_slice(j->boot_aggregate, ratls_tpm_hash_len(j->rules->bank)), hex, sizeof hex);
    snprintf(out, RATLS_VALUE_MAX, "boot_aggregate %s:%s", ratls_tpm_alg_name(j->rules->bank), hex);
}

/*
 * The first entry; and every later one of that name, which kernels add that were started by kexec:
 * nothing measured below IMA in between, so it is the same.
 */
static enum ratls_status judge_boot(struct judge *j, const struct ratls_ima_entry *entry)
{
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX], at[RATLS_AT_MAX];
    bool matches = false;
    enum ratls_status status =
        ratls_ima_match_boot(entry, j->rules->bank, j->pcrs, &matches, j->a->err);

    if (status != RATLS_OK ||
        !ratls_check_decide(j->a->report, RATLS_CHECK_IMA_BOOT_AGGREGATE, matches))
        return status;
    ratls_ima_place(entry->number, at);
    print_boot(j, expected);
    print_file(entry, actual);
    ratls_check_say(j->a->report, RATLS_CHECK_IMA_BOOT_AGGREGATE, at, expected, actual);
    return RATLS_OK;
}

/* The first entry was seen before; what the PCRs hold now must still be what it says. */
static void judge_known_boot(struct judge *j)
{
    const struct ratls_ledger_row *base = j->base;
    size_t len = ratls_tpm_hash_len(base->boot_aggregate_alg);

    if (base->boot_aggregate_alg != j->rules->bank)
        ratls_check_uint(j->a->report, RATLS_CHECK_IMA_BOOT_AGGREGATE, "ima-list[1]",
                         j->rules->bank, base->boot_aggregate_alg);
    else
        ratls_check_bytes(j->a->report, RATLS_CHECK_IMA_BOOT_AGGREGATE, "ima-list[1]",
                          ratls_slice(j->boot_aggregate, len),
                          ratls_slice(base->boot_aggregate, len));
}

/* Of a violation only its place is in the PCR: what it says of a file is nobody's word. */
static void judge_violation(struct judge *j, const struct ratls_ima_entry *entry)
{
    if (!j->rules->violations_allowed)
        fail_entry(j, RATLS_CHECK_IMA_VIOLATIONS, entry, "no violation",
                   "written to while it was read, if this unauthenticated path is right");
}

static enum ratls_status judge_entry(struct judge *j, const struct ratls_ima_entry *entry)
{
    enum ratls_status status = RATLS_OK;
    bool is_boot =
        entry->number == 1 || (!entry->is_violation && ratls_ima_is_boot_aggregate(entry));

    if (!entry->is_violation && entry->doubt != NULL)
        fail_entry(j, RATLS_CHECK_IMA_FORMAT, entry, "fields as the kernel's templates have them",
                   entry->doubt);
    if (is_boot)
        status = judge_boot(j, entry);
    if (entry->is_violation)
        judge_violation(j, entry);
    else if (!is_boot)
        status = judge_file(j, entry);
    return status;
}

/* For checks with which no entry was at odds. */
static void pass_rest(struct judge *j, uint64_t new_entries)
{
    const struct ratls_ima_rules *rules = j->rules;
    const struct {
        enum ratls_check check;
        bool is_asked;
    } rest[] = {
        {RATLS_CHECK_IMA_VIOLATIONS, !rules->violations_allowed},
        {RATLS_CHECK_IMA_DENY, rules->deny.count > 0},
        {RATLS_CHECK_IMA_SIGNATURE, rules->signer_count > 0 || rules->signature_required.count > 0},
        {RATLS_CHECK_IMA_ALLOW, rules->signer_count > 0 || rules->allow.count > 0},
    };
    char actual[RATLS_VALUE_MAX];

    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        if (!rest[i].is_asked)
            ratls_check_not_asked(j->a->report, rest[i].check);
        if (!rest[i].is_asked || j->a->report->slots[rest[i].check].comparisons > 0 ||
            !ratls_check_decide(j->a->report, rest[i].check, true))
            continue;
        snprintf(actual, sizeof actual, "none of %" PRIu64 " new entries is at odds", new_entries);
        ratls_check_say(j->a->report, rest[i].check, "ima-list", "as the policy says", actual);
    }
}

/* Reads up to AHEAD entries, of which none is behind the last that is authenticated. */
static size_t read_ahead(const struct judge *j, struct ratls_ima_reader *r, uint64_t last,
                         struct ratls_ima_entry entries[static AHEAD])
{
    const struct ratls_references *allow = &j->rules->allow;
    size_t count = 0;

    while (count < AHEAD && r->entries < last && ratls_ima_next(r, &entries[count])) {
        for (size_t i = 0; i < allow->count; i++)
            ratls_refvals_expect(allow->sets[i], entries[count].file.value);
        count++;
    }
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < allow->count; i++)
            ratls_refvals_expect_name(allow->sets[i], entries[k].file.value);
    return count;
}

static enum ratls_status judge_piece(struct judge *j, struct ratls_ima_reader *r, uint64_t last)
{
    struct ratls_ima_entry entries[AHEAD];
    enum ratls_status status = RATLS_OK;
    size_t count;

    do {
        count = read_ahead(j, r, last, entries);
        for (size_t i = 0; status == RATLS_OK && i < count; i++)
            status = judge_entry(j, &entries[i]);
    } while (status == RATLS_OK && count == AHEAD);
    return status;
}

enum ratls_status ratls_ima_list_judge(struct ratls_appraisal *a, struct ratls_ima_list *list)
{
    struct judge j = {.a = a, .rules = &a->rules->ima, .base = &list->base};
    uint64_t offset = list->base.ima.offset, entries = list->base.ima.entries;
    enum ratls_status status = compute_boot(&j);

    if (status == RATLS_OK && entries > 0)
        judge_known_boot(&j);
    for (const struct ratls_ima_piece *piece = list->first;
         status == RATLS_OK && piece != NULL && entries < list->state.entries;
         piece = piece->next) {
        struct ratls_ima_reader r =
            ratls_ima_reader(piece->bytes, list->state.list_alg, offset, entries);

        status = judge_piece(&j, &r, list->state.entries);
        offset = r.offset;
        entries = r.entries;
    }
    if (status == RATLS_OK && entries != list->state.entries)
        return ratls_fail(a->err, RATLS_MALFORMED, "an IMA list that changed while it was read");
    if (status == RATLS_OK)
        pass_rest(&j, list->state.entries - list->base.ima.entries);
    list->base.boot_aggregate_alg = a->rules->ima.bank;
    memcpy(list->base.boot_aggregate, j.boot_aggregate, sizeof j.boot_aggregate);
    return status;
}
