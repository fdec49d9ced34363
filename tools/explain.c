#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy_file.h"
#include "policy_write.h"

#define SENTENCE_MAX 1024
#define HEX_MAX (2 * RATLS_TPM_NAME_MAX + 1)
#define DAY_S 86400
#define HOUR_S 3600
#define MINUTE_S 60

const char *ratls_explain_heading(enum ratls_explain_section section)
{
    static const char *const headings[RATLS_EXPLAIN_COUNT] = {
        [RATLS_EXPLAIN_SERVERS] = "For which servers",
        [RATLS_EXPLAIN_TRUST] = "Who is believed",
        [RATLS_EXPLAIN_FRESHNESS] = "How fresh the proof must be",
        [RATLS_EXPLAIN_BOOT] = "What must have booted",
        [RATLS_EXPLAIN_RUNNING] = "What may run",
        [RATLS_EXPLAIN_UNCHECKED] = "What is not checked",
    };

    return headings[section];
}

void ratls_explain_say(const struct ratls_explain *x, enum ratls_explain_section section,
                       const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): begun in the line above */
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    x->say(x->self, section, sentence);
}

/* Appends; what does not fit is left out, and "..." says so. */
static void append(char *out, size_t cap, const char *text)
{
    const size_t len = strlen(out);

    if (snprintf(out + len, cap - len, "%s", text) >= (int)(cap - len) && cap > 4)
        memcpy(out + cap - 4, "...", 4);
}

/* As the policy names it, if it lies beside the policy. */
static const char *relative(const char *policy, const char *path)
{
    const size_t len = ratls_policy_folder_len(policy);

    return strncmp(policy, path, len) == 0 ? path + len : path;
}

void ratls_explain_references(const struct ratls_explain *x,
                              const struct ratls_references *references, char *out, size_t cap)
{
    size_t digests = 0;

    for (size_t i = 0; i < references->count; i++)
        digests += ratls_refvals_count(references->sets[i]);
    snprintf(out, cap, digests == 1 ? "the %zu digest in " : "one of the %zu digests in ", digests);
    for (size_t i = 0; i < references->count; i++) {
        append(out, cap, i == 0 ? "" : i + 1 == references->count ? " and " : ", ");
        append(out, cap, relative(x->rules->path, references->paths[i]));
    }
}

static void list_names(const struct ratls_names *names, char *out, size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0; i < names->count; i++) {
        append(out, cap, i == 0 ? "" : i + 1 == names->count ? " and " : ", ");
        append(out, cap, names->names[i]);
    }
}

static void explain_servers(const struct ratls_explain *x)
{
    char names[SENTENCE_MAX / 2];

    list_names(&x->rules->servers, names, sizeof names);
    if (x->rules->servers.count == 0)
        ratls_explain_say(x, RATLS_EXPLAIN_SERVERS,
                          "It speaks for every %s that no other policy names.",
                          x->rules->for_clients ? "client" : "server");
    else
        ratls_explain_say(x, RATLS_EXPLAIN_SERVERS, "It speaks for %s%s.",
                          x->rules->for_clients ? "clients whose certificate names " : "", names);
    ratls_explain_say(x, RATLS_EXPLAIN_SERVERS,
                      "The machine must have been set up to speak for the service '%s'.",
                      x->rules->service);
}

/* "", or for which of the servers only. */
static void narrow(const struct ratls_names *names, char *out, size_t cap)
{
    char list[SENTENCE_MAX / 2 - sizeof ", for  only"];

    out[0] = '\0';
    if (names->count == 0)
        return;
    list_names(names, list, sizeof list);
    snprintf(out, cap, ", for %s only", list);
}

static void explain_algorithms(const struct ratls_explain *x)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {
        {RATLS_ALLOW_ECDSA_P256, "ECDSA on P-256"},
        {RATLS_ALLOW_ECDSA_P384, "ECDSA on P-384"},
        {RATLS_ALLOW_ECDSA_P521, "ECDSA on P-521"},
        {RATLS_ALLOW_RSASSA, "RSASSA"},
        {RATLS_ALLOW_RSAPSS, "RSAPSS"},
    };
    char list[160] = "";

    if (x->rules->algorithms == RATLS_ALLOW_ALL)
        return;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if ((x->rules->algorithms & words[i].bit) == 0)
            continue;
        append(list, sizeof list, list[0] == '\0' ? "" : ", ");
        append(list, sizeof list, words[i].word);
    }
    ratls_explain_say(x, RATLS_EXPLAIN_TRUST, "Keys of other algorithms are refused: only %s.",
                      list);
}

static void explain_trust(const struct ratls_explain *x)
{
    char only[SENTENCE_MAX / 2];
    char hex[HEX_MAX];

    for (size_t i = 0; i < x->rules->pin_count; i++) {
        const struct ratls_pin *pin = &x->rules->pins[i];

        ratls_hex(ratls_slice(pin->name, pin->name_len), hex, sizeof hex);
        narrow(&pin->servers, only, sizeof only);
        ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                          "The machine whose TPM has the attestation key %s%s.", hex, only);
    }
    for (size_t i = 0; i < x->rules->issuer_count; i++) {
        narrow(&x->rules->issuers[i].servers, only, sizeof only);
        ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                          "Every machine whose attestation key the authority in %s has certified "
                          "for the server's name%s.",
                          x->rules->issuers[i].path, only);
        if (x->rules->issuers[i].crl != NULL)
            ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                              "Of these none that is in the list of revoked certificates in %s, "
                              "which must not be out of date.",
                              x->rules->issuers[i].crl_path);
    }
    explain_algorithms(x);
    if (x->rules->allows_software)
        ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                          "An issuer may certify keys of software TPMs, which prove nothing: only "
                          "for tests.");
    if (x->rules->denied_firmware_count > 0)
        ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                          "TPMs with one of %zu versions of firmware are refused.",
                          x->rules->denied_firmware_count);
    if (x->rules->needs_tpm_tls_key)
        ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                          "The key of the TLS certificate must have been made in the TPM that "
                          "attests, and cannot leave it.");
    if (x->rules->denied_keys.is_asked)
        ratls_explain_say(x, RATLS_EXPLAIN_TRUST,
                          "%zu attestation key%s refused, whoever pinned or certified %s.",
                          x->rules->denied_keys.count,
                          x->rules->denied_keys.count == 1 ? " is" : "s are",
                          x->rules->denied_keys.count == 1 ? "it" : "them");
}

/* In the largest unit that needs no fraction. */
static void age_text(uint64_t seconds, char *out, size_t cap)
{
    static const struct {
        uint64_t seconds;
        const char *word;
    } units[] = {{DAY_S, "day"}, {HOUR_S, "hour"}, {MINUTE_S, "minute"}, {1, "second"}};
    size_t i = 0;

    while (seconds % units[i].seconds != 0)
        i++;
    seconds /= units[i].seconds;
    snprintf(out, cap, "%llu %s%s", (unsigned long long)seconds, units[i].word,
             seconds == 1 ? "" : "s");
}

static void explain_epoch(const struct ratls_explain *x)
{
    const struct ratls_epoch_rules *epoch = &x->rules->epoch;
    char age[32];

    age_text(epoch->within_s, age, sizeof age);
    ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                      "The TPM must have signed the machine's state at most %s ago: what happens "
                      "since then is not seen. The server must sign for this very connection all "
                      "the same, with a key that the TPM vouches for.",
                      age);
    for (size_t i = 0; i < epoch->authorities.count; i++)
        ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                          "How long ago is told by the clock of %s, or of whom it certifies.",
                          epoch->certificates[i].subject);
}

/* How long one proof is enough, and who asks for the next. */
static void explain_verdict(const struct ratls_explain *x)
{
    const struct ratls_rules *rules = x->rules;
    char age[32], renewal[32];

    if (rules->freshness == RATLS_FRESHNESS_EPOCH)
        explain_epoch(x);
    else
        ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                          "The proof must be made for this very connection.");
    if (rules->max_age_s == 0)
        return;
    age_text(rules->max_age_s, age, sizeof age);
    ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                      "It is enough for %s: so long a program may resume its connection without "
                      "another proof, and what the machine does meanwhile is not seen.",
                      age);
    if (rules->renew_s == 0)
        return;
    age_text(rules->renew_s, renewal, sizeof renewal);
    ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                      "Programs of the library ask for a new one every %s while they are "
                      "connected, and close the connection when the last one is %s old; an "
                      "unmodified program needs `ratls watch` or `ratls exec --watch` for that.",
                      renewal, age);
}

static void explain_freshness(const struct ratls_explain *x)
{
    char age[32];

    if (x->rules->freshness == RATLS_FRESHNESS_CERTIFICATE) {
        age_text(x->rules->max_age_s, age, sizeof age);
        ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                          "A proof that came with the certificate is enough, up to %s old: what "
                          "the machine did since then is not seen.",
                          age);
    } else {
        explain_verdict(x);
    }
    if (x->rules->needs_exporter)
        ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                          "It must be bound to the finished handshake, which only programs of the "
                          "library can ask for: an unmodified program is refused by every server.");
    if (x->rules->clock_ignored)
        ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                          "The TPM need not be sure that its clock never went back.");
    else
        ratls_explain_say(x, RATLS_EXPLAIN_FRESHNESS,
                          "The TPM must be sure that its clock never went back.");
}

static void explain_values(const struct ratls_explain *x)
{
    for (size_t i = 0; i < x->rules->pcr_count; i++) {
        const struct ratls_pcr_rule *rule = &x->rules->pcrs[i];

        if (rule->count == 1)
            ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                              "PCR %u (%s) must have exactly the value that is in the policy (%s).",
                              rule->index, ratls_pcr_meaning(rule->index),
                              ratls_tpm_hash_name(rule->bank));
        else
            ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                              "PCR %u (%s) must have one of %zu values that are in the policy "
                              "(%s).",
                              rule->index, ratls_pcr_meaning(rule->index), rule->count,
                              ratls_tpm_hash_name(rule->bank));
    }
}

/* PCRs that anything at all may have been measured into. */
static void explain_unchecked(const struct ratls_explain *x)
{
    uint32_t checked = x->rules->boot.is_asked ? x->rules->boot.pcrs : 0;

    checked |= x->rules->results.pcrs;
    for (size_t i = 0; i < x->rules->pcr_count; i++)
        checked |= UINT32_C(1) << x->rules->pcrs[i].index;
    if (x->rules->ima.is_asked)
        checked |= UINT32_C(1) << RATLS_IMA_PCR;
    for (unsigned i = 0; i < 16; i++)
        if ((checked & UINT32_C(1) << i) == 0)
            ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED, "PCR %u: %s.", i, ratls_pcr_meaning(i));
    ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED,
                      "Whether a program that runs is free of mistakes, and what it does with the "
                      "data that it is sent.");
}

void ratls_explain(const struct ratls_explain *x)
{
    explain_servers(x);
    explain_trust(x);
    explain_freshness(x);
    explain_values(x);
    if (x->rules->boot.is_asked)
        ratls_explain_boot(x);
    if (x->rules->ima.is_asked)
        ratls_explain_ima(x);
    if (x->rules->results.is_asked)
        ratls_explain_results(x);
    explain_unchecked(x);
}
