#include "lists.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_lines.h"
#include "tpm_wire.h"

#define DIGEST_MIN 32 /* SHA-256 */
#define SUBJECT_MAX 256
#define HEX_MAX (2 * 64 + 1)

void ratls_list_suffix(enum ratls_topic topic, uint16_t bank, char *out, size_t cap)
{
    switch (topic) {
    case RATLS_TOPIC_SIGNERS:
        snprintf(out, cap, ".signers.pem");
        break;
    case RATLS_TOPIC_COMMAND_LINES:
        snprintf(out, cap, ".command-lines.txt");
        break;
    case RATLS_TOPIC_IMA_ALLOW:
        snprintf(out, cap, ".ima.sha256");
        break;
    case RATLS_TOPIC_IMA_SIGNERS:
        snprintf(out, cap, ".ima-signers.pem");
        break;
    default:
        snprintf(out, cap, ".%s.%s", ratls_topic_key(topic), ratls_tpm_hash_name(bank));
        break;
    }
}

bool ratls_fact_has_line(const struct ratls_fact *fact)
{
    if (fact->form == RATLS_FACT_TEXT)
        return fact->value.len > 0 && memchr(fact->value.p, '\0', fact->value.len) == NULL;
    if (fact->topic == RATLS_TOPIC_COMMAND_LINES)
        return false; /* the text is not known */
    if (fact->topic == RATLS_TOPIC_SIGNERS)
        return fact->form == RATLS_FACT_CERTIFICATE;
    return fact->value.len >= DIGEST_MIN && fact->name.len > 0 && !fact->is_verity;
}

/* As sha256sum does: a backslash before the line says that there are some in the name. */
static void put_digest(FILE *out, const struct ratls_fact *fact)
{
    static const char special[] = {'\\', '\n', '\r'};
    bool is_escaped = false;
    char hex[HEX_MAX];

    for (size_t i = 0; i < fact->name.len; i++)
        is_escaped = is_escaped || memchr(special, fact->name.p[i], sizeof special) != NULL;
    ratls_hex(fact->value, hex, sizeof hex);
    fprintf(out, "%s%s  ", is_escaped ? "\\" : "", hex);
    for (size_t i = 0; i < fact->name.len; i++) {
        const int byte = fact->name.p[i];

        if (byte == '\\')
            fputs("\\\\", out);
        else if (byte == '\n' || byte == '\r')
            fputs(byte == '\n' ? "\\n" : "\\r", out);
        else
            fputc(byte, out);
    }
    fputc('\n', out);
}

static bool put_certificate(FILE *out, const struct ratls_fact *fact)
{
    const unsigned char *p = fact->value.p;
    X509 *certificate = d2i_X509(NULL, &p, (long)fact->value.len);
    char subject[SUBJECT_MAX];
    bool done;

    ratls_fact_value_text(fact, subject, sizeof subject);
    fprintf(out, "# %s\n", subject);
    done = certificate != NULL && PEM_write_X509(out, certificate) == 1;
    X509_free(certificate);
    return done;
}

static bool put_fact(FILE *out, const struct ratls_fact *fact)
{
    char *line;

    switch (fact->form) {
    case RATLS_FACT_DIGEST:
        put_digest(out, fact);
        return true;
    case RATLS_FACT_CERTIFICATE:
        return put_certificate(out, fact);
    case RATLS_FACT_TEXT:
        break;
    }
    line = ratls_line_write(fact->value);
    if (line == NULL)
        return false;
    fprintf(out, "%s\n", line);
    free(line);
    return true;
}

static int compare_slices(struct ratls_slice a, struct ratls_slice b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Of IMA the path counts; elsewhere the same thing needs no second line. */
static int compare_lines(const struct ratls_fact *a, const struct ratls_fact *b)
{
    const int order = a->topic == RATLS_TOPIC_IMA_ALLOW ? compare_slices(a->name, b->name) : 0;

    return order != 0 ? order : compare_slices(a->value, b->value);
}

static int order_lines(const void *p, const void *q)
{
    const struct ratls_fact *const *a = p;
    const struct ratls_fact *const *b = q;
    const int order = compare_lines(*a, *b);

    return order != 0 ? order : ((*a) > (*b)) - ((*a) < (*b));
}

static int order_places(const void *p, const void *q)
{
    const struct ratls_fact *const *a = p;
    const struct ratls_fact *const *b = q;

    return ((*a) > (*b)) - ((*a) < (*b));
}

/* The facts of the topic that have a line, without repetitions. */
static size_t choose(const struct ratls_facts *facts, enum ratls_topic topic,
                     const struct ratls_fact **chosen)
{
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].topic == topic && ratls_fact_has_line(&facts->items[i]))
            chosen[count++] = &facts->items[i];
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    qsort(chosen, count, sizeof *chosen, order_lines);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_lines(chosen[kept - 1], chosen[i]) != 0)
            chosen[kept++] = chosen[i];
    if (topic == RATLS_TOPIC_IMA_ALLOW)
        return kept;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    qsort(chosen, kept, sizeof *chosen, order_places);
    return kept;
}

static enum ratls_status write_lines(const struct ratls_fact *const *chosen, size_t count,
                                     const char *comment, char **ret_text, struct ratls_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool failed = false;

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (comment != NULL)
        fprintf(out, "# %s\n", comment);
    for (size_t i = 0; i < count; i++)
        failed = !put_fact(out, chosen[i]) || failed;
    failed = ferror(out) != 0 || failed;
    failed = fclose(out) != 0 || failed;
    if (failed) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_text = text;
    return RATLS_OK;
}

enum ratls_status ratls_list_write(const struct ratls_facts *facts, enum ratls_topic topic,
                                   const char *comment, char **ret_text, size_t *ret_count,
                                   struct ratls_error *err)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    const struct ratls_fact **chosen = calloc(facts->count + 1, sizeof *chosen);
    enum ratls_status status = RATLS_OK;
    size_t count;

    if (chosen == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    count = choose(facts, topic, chosen);
    if (count == 0)
        *ret_text = NULL;
    else
        status = write_lines(chosen, count, comment, ret_text, err);
    if (status == RATLS_OK)
        *ret_count = count;
    free(chosen);
    return status;
}
