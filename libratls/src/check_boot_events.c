/*
 * Every event of the PCRs that the policy covers, by its digest. An event that nobody asked about
 * is not allowed: whoever owns the machine can extend a PCR, and log it, as he likes.
 */
#include <stdio.h>
#include <string.h>

#include "boot_words.h"
#include "check_boot.h"

#define PCR_IMAGES 4
#define PCR_EXIT 5
#define PCR_SECURE_BOOT 7
#define PCR_GRUB 8
#define PCR_FILES 9
#define PCR_UKI 11
#define PCR_STUB 12

/* A check, its PCRs, and what a policy must have for an event. */
struct kind {
    enum ratls_check check;
    uint32_t pcrs;
    bool needs_event; /* where nothing was measured, there is nothing to trust */
    const char *expected;
    const char *some;
};

static const char BEHIND[] = "; what follows is authentic too";

static const struct kind KINDS[] = {
    {RATLS_CHECK_BOOT_FIRMWARE, 1u << 0 | 1u << 2, true, "a digest of firmware",
     "at least one event of PCR 0 and 2"},
    {RATLS_CHECK_BOOT_SETTINGS, 1u << 1 | 1u << 3, false, "a digest of settings", NULL},
    {RATLS_CHECK_BOOT_IMAGES, 1u << PCR_IMAGES, true, "a digest of images or kernels",
     "at least one event of PCR 4"},
    {RATLS_CHECK_BOOT_PARTITIONS, 1u << PCR_EXIT, false, "a digest of partitions", NULL},
    {RATLS_CHECK_BOOT_COMMAND_LINE, 1u << PCR_GRUB | 1u << PCR_STUB, true,
     "a text that matches command-lines", "at least one event of PCR 8 and 12"},
    {RATLS_CHECK_BOOT_OWNER_KEYS, 1u << 14, false, "a digest of owner-keys", NULL},
    {RATLS_CHECK_BOOT_SIGNERS, 1u << PCR_SECURE_BOOT, true,
     "a certificate of signers, or a digest of variables",
     "at least one event behind the separator of PCR 7"},
    /* PCR 9, 11, 13; and whatever has no other, which no key speaks for. */
    {RATLS_CHECK_BOOT_FILES, UINT32_MAX, true, "a digest of files or kernels",
     "at least one event of PCR 9, 11 and 13"},
};

#define KIND_COUNT (sizeof KINDS / sizeof *KINDS)

static const struct kind VARIABLES = {RATLS_CHECK_BOOT_VARIABLES, 1u << PCR_SECURE_BOOT, true,
                                      "a digest of variables, or a certificate of signers",
                                      "at least one event before the separator of PCR 7"};

static const struct kind *find_kind(uint32_t pcr)
{
    size_t i = 0;

    while ((KINDS[i].pcrs >> pcr & 1) == 0)
        i++;
    return &KINDS[i];
}

/* For words: the digest that the policy has for this name, or its only one. */
static struct ratls_slice find_expected(const struct ratls_references *references, const char *name)
{
    struct ratls_slice digest = ratls_slice(NULL, 0);
    struct ratls_slice only;

    for (size_t i = 0; i < references->count && digest.len == 0; i++)
        digest = ratls_refvals_find(references->sets[i], ratls_slice(name, strlen(name)));
    if (digest.len == 0 && references->count == 1 && ratls_refvals_count(references->sets[0]) == 1)
        ratls_refvals_get(references->sets[0], 0, &digest, &only);
    return digest;
}

static void print_expected(const struct kind *kind, const struct ratls_references *references,
                           const char *name, char out[static RATLS_VALUE_MAX])
{
    struct ratls_slice digest = find_expected(references, name);
    char hex[RATLS_SHOWN_DIGEST_MAX] = "";

    if (digest.len > 0)
        ratls_boot_show_digest(digest, hex);
    snprintf(out, RATLS_VALUE_MAX, "%s%s%s%s", kind->expected, digest.len > 0 ? ": " : "", hex,
             BEHIND);
}

/* With a long digest, too, the bracket behind the peer's words is to be seen. */
#define COMMAND_SHOWN 40
_Static_assert(sizeof "file of the boot loader  (unauthenticated: of \"\")" +
                       (RATLS_SHOWN_DIGEST_MAX - 1) + COMMAND_SHOWN <=
                   RATLS_VALUE_MAX,
               "a command that is shown fits");

static void print_actual(const struct ratls_boot_words *words, const char *command,
                         struct ratls_slice digest, char out[static RATLS_VALUE_MAX])
{
    char hex[RATLS_SHOWN_DIGEST_MAX];

    ratls_boot_show_digest(digest, hex);
    if (words->text[0] == '\0' && command[0] != '\0')
        snprintf(out, RATLS_VALUE_MAX, "%s %s (unauthenticated: of \"%.*s\")", words->kind, hex,
                 COMMAND_SHOWN, command);
    else if (words->text[0] == '\0')
        snprintf(out, RATLS_VALUE_MAX, "%s %s", words->kind, hex);
    else if (words->is_covered)
        snprintf(out, RATLS_VALUE_MAX, "%s \"%.120s\"", words->kind, words->text);
    else
        snprintf(out, RATLS_VALUE_MAX, "%s %s (unauthenticated: %.40s)", words->kind, hex,
                 words->text);
}

/*
 * For words: the command of GRUB behind which the log has an event that is not allowed. The log is
 * read once more, for this is rare.
 */
static enum ratls_status find_command(struct ratls_boot_judge *judge, size_t number,
                                      char out[static RATLS_BOOT_COMMAND_MAX])
{
    struct ratls_eventlog log;
    struct ratls_event event;
    size_t index;
    enum ratls_status status = RATLS_OK;

    out[0] = '\0';
    ratls_eventlog_open(judge->a->evidence.boot_log, RATLS_EVENTLOG_STRICT, &log);
    index = ratls_eventlog_find_alg(&log, judge->rules->bank);
    while (status == RATLS_OK && ratls_eventlog_next(&log, &event) && event.number < number) {
        struct ratls_boot_text text = {.is_measured = false};

        if (event.pcr != PCR_GRUB || event.type == RATLS_EV_NO_ACTION)
            continue;
        status =
            ratls_boot_text(&judge->hasher, &event, event.digests[index], &text, judge->a->err);
        if (status == RATLS_OK && text.is_measured && !text.is_utf16)
            ratls_boot_command(text.text, out);
    }
    return status;
}

/* One event, whether it is allowed, and the references that might have allowed it. */
static enum ratls_status decide(struct ratls_boot_judge *judge, const struct kind *kind,
                                const struct ratls_references *references, bool allowed,
                                const struct ratls_event *event, struct ratls_slice digest)
{
    char at[RATLS_AT_MAX], expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    char command[RATLS_BOOT_COMMAND_MAX] = "";
    struct ratls_boot_words words;
    const char *type;
    enum ratls_status status;

    if (!ratls_check_decide(judge->a->report, kind->check, allowed))
        return RATLS_OK;
    status = ratls_boot_words(&judge->hasher, event, digest, &words, judge->a->err);
    if (status == RATLS_OK && words.text[0] == '\0' && !allowed &&
        (event->pcr == PCR_IMAGES || event->pcr == PCR_FILES))
        status = find_command(judge, event->number, command);
    if (status != RATLS_OK)
        return status;
    type = ratls_event_type_name(event->type);
    snprintf(at, sizeof at, "boot-log[%zu], %s", event->number, type != NULL ? type : "no type");
    print_expected(kind, references, command[0] != '\0' ? command : words.text, expected);
    print_actual(&words, command, digest, actual);
    ratls_check_say(judge->a->report, kind->check, at, expected, actual);
    return RATLS_OK;
}

/* What needs no entry: other checks are there for these. */
static bool is_fixed(const struct ratls_event *event, enum ratls_boot_known_id id)
{
    switch (event->pcr) {
    case PCR_IMAGES:
        return id == RATLS_BOOT_CALLING || id == RATLS_BOOT_RETURNING;
    case PCR_EXIT:
        return id == RATLS_BOOT_EXIT_INVOCATION || id == RATLS_BOOT_EXIT_SUCCESS ||
               id == RATLS_BOOT_EXIT_FAILURE;
    case PCR_SECURE_BOOT:
        return id == RATLS_BOOT_DEBUG_MODE || id == RATLS_BOOT_DMA_UNPROTECTED ||
               (id >= RATLS_BOOT_SECURE_BOOT_ABSENT && id <= RATLS_BOOT_SECURE_BOOT_ON);
    default:
        return false;
    }
}

static bool is_signed(const struct ratls_boot_judge *judge, const struct ratls_event *event)
{
    const struct ratls_boot *boot = &judge->boot;
    const struct ratls_boot_authority *authority = &boot->authorities[judge->authority];

    if (judge->authority == boot->authority_count || authority->event != event->number)
        return false;
    for (size_t i = 0; i < judge->rules->signer_count; i++) {
        const struct ratls_boot_signer *signer = &judge->rules->signers[i];

        /* No secret, so not in constant time. */
        if (signer->len == authority->certificate.len &&
            memcmp(signer->der, authority->certificate.p, signer->len) == 0)
            return true;
    }
    return false;
}

/*
 * PCR 7: variables before the separator, with who signed option ROMs; behind it who signed what was
 * started. Which of both is for the place to say, for the type is not authenticated.
 */
static enum ratls_status judge_secure_boot(struct ratls_boot_judge *judge,
                                           const struct ratls_event *event,
                                           struct ratls_slice digest)
{
    const struct ratls_references *variables = &judge->rules->variables;
    bool is_listed = ratls_references_have(variables, digest);
    bool is_by_signer = is_signed(judge, event);

    if (judge->authority < judge->boot.authority_count &&
        judge->boot.authorities[judge->authority].event == event->number)
        judge->authority++;
    if (judge->separators[PCR_SECURE_BOOT] > 0)
        return decide(judge, find_kind(PCR_SECURE_BOOT), variables, is_listed || is_by_signer,
                      event, digest);
    if (variables->count == 0)
        return RATLS_OK;
    return decide(judge, &VARIABLES, variables, is_listed || is_by_signer, event, digest);
}

/* The references that the key of a PCR stands for; kernels are asked everywhere that they may be.
 */
static const struct ratls_references *find_references(const struct ratls_boot_rules *rules,
                                                      uint32_t pcr)
{
    static const struct ratls_references none = {.count = 0};

    switch (find_kind(pcr)->check) {
    case RATLS_CHECK_BOOT_FIRMWARE:
        return &rules->firmware;
    case RATLS_CHECK_BOOT_SETTINGS:
        return &rules->settings;
    case RATLS_CHECK_BOOT_IMAGES:
        return &rules->images;
    case RATLS_CHECK_BOOT_PARTITIONS:
        return &rules->partitions;
    case RATLS_CHECK_BOOT_OWNER_KEYS:
        return &rules->owner_keys;
    default:
        return pcr == PCR_FILES || pcr == PCR_UKI || pcr == 13 ? &rules->files : &none;
    }
}

static enum ratls_status judge_event(struct ratls_boot_judge *judge,
                                     const struct ratls_event *event, struct ratls_slice digest)
{
    const struct ratls_boot_rules *rules = judge->rules;
    const struct kind *kind = find_kind(event->pcr);
    bool may_be_kernel =
        event->pcr == PCR_IMAGES || event->pcr == PCR_FILES || event->pcr == PCR_UKI;
    bool is_kernel = may_be_kernel && ratls_references_have(&rules->kernels, digest);
    const struct ratls_references *references = find_references(rules, event->pcr);
    bool allowed = is_kernel || ratls_references_have(references, digest);
    enum ratls_status status = RATLS_OK;

    judge->kernels += is_kernel;
    if (event->pcr == PCR_SECURE_BOOT)
        return judge_secure_boot(judge, event, digest);
    if (event->pcr == PCR_IMAGES && rules->images_signed)
        allowed = allowed || judge->boot.secure_boot == RATLS_SECURE_BOOT_ON;
    else if (event->pcr == PCR_GRUB || event->pcr == PCR_STUB)
        status = ratls_boot_text_allowed(judge, event, digest, &allowed);
    else if (event->pcr == PCR_FILES)
        allowed = allowed || ratls_boot_lines_has(&rules->exact_lines, digest);
    if (status != RATLS_OK)
        return status;
    return decide(judge, kind, references, allowed, event, digest);
}

static enum ratls_status walk(struct ratls_boot_judge *judge, struct ratls_eventlog *log)
{
    size_t index = ratls_eventlog_find_alg(log, judge->rules->bank);
    struct ratls_event event;
    enum ratls_status status = RATLS_OK;

    while (status == RATLS_OK && ratls_eventlog_next(log, &event)) {
        struct ratls_slice digest = event.digests[index];
        enum ratls_boot_known_id id;

        if (event.type == RATLS_EV_NO_ACTION || !ratls_boot_covers(judge->rules, event.pcr))
            continue;
        id = ratls_boot_known_find(&judge->boot.known, event.pcr, digest);
        if (id <= RATLS_BOOT_SEPARATOR_ERROR && event.pcr < RATLS_BOOT_PHASES)
            judge->separators[event.pcr]++;
        else if (!is_fixed(&event, id))
            status = judge_event(judge, &event, digest);
    }
    return status;
}

/* What nothing was compared for: not asked, nothing to say against it, or nothing to trust. */
static void finish_kind(struct ratls_boot_judge *judge, const struct kind *kind, bool is_asked)
{
    struct ratls_report *report = judge->a->report;
    bool is_unsigned = kind->check == RATLS_CHECK_BOOT_SIGNERS && judge->rules->signer_count == 0;
    bool needs_event = kind->needs_event && !is_unsigned;

    if (report->slots[kind->check].comparisons > 0)
        return;
    if (!is_asked)
        ratls_check_not_asked(report, kind->check);
    else
        ratls_check_holds(report, kind->check, !needs_event, "boot-log",
                          needs_event ? kind->some : "any", "none was measured");
}

/* That every event is allowed says nothing if the kernel was not measured. */
static void check_kernel(struct ratls_boot_judge *judge)
{
    char actual[RATLS_VALUE_MAX];

    if (judge->rules->kernels.count == 0) {
        ratls_check_not_asked(judge->a->report, RATLS_CHECK_BOOT_KERNEL);
        return;
    }
    if (!ratls_check_decide(judge->a->report, RATLS_CHECK_BOOT_KERNEL, judge->kernels > 0))
        return;
    snprintf(actual, sizeof actual, judge->kernels > 0 ? "%zu events" : "none", judge->kernels);
    ratls_check_say(judge->a->report, RATLS_CHECK_BOOT_KERNEL, "boot-log, PCR 4, 9 and 11",
                    "a kernel of kernels", actual);
}

enum ratls_status ratls_check_boot_events(struct ratls_boot_judge *judge,
                                          struct ratls_eventlog *log)
{
    const struct ratls_boot_rules *rules = judge->rules;
    uint32_t others = rules->pcrs;
    enum ratls_status status = walk(judge, log);

    if (status != RATLS_OK)
        return status;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        finish_kind(judge, &KINDS[i], (others & KINDS[i].pcrs) != 0);
        others &= ~KINDS[i].pcrs;
    }
    finish_kind(judge, &VARIABLES, rules->variables.count > 0);
    check_kernel(judge);
    return RATLS_OK;
}
