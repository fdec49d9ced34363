#include "facts.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define CAP_FIRST 64

static const struct {
    const char *noun;
    const char *key;
} TOPICS[RATLS_TOPIC_COUNT] = {
    [RATLS_TOPIC_IDENTITY] = {"identity", NULL},
    [RATLS_TOPIC_PCR] = {"value of a PCR", NULL},
    [RATLS_TOPIC_SECURE_BOOT] = {"Secure Boot", NULL},
    [RATLS_TOPIC_RULE] = {"rule", NULL},
    [RATLS_TOPIC_OTHER] = {"event", NULL},
    [RATLS_TOPIC_FIRMWARE] = {"firmware", "firmware"},
    [RATLS_TOPIC_SETTINGS] = {"setting of the firmware", "settings"},
    [RATLS_TOPIC_IMAGES] = {"image that was started", "images"},
    [RATLS_TOPIC_KERNELS] = {"kernel", "kernels"},
    [RATLS_TOPIC_PARTITIONS] = {"boot setting", "partitions"},
    [RATLS_TOPIC_VARIABLES] = {"variable of Secure Boot", "variables"},
    [RATLS_TOPIC_SIGNERS] = {"signer of what was loaded", "signers"},
    [RATLS_TOPIC_COMMAND_LINES] = {"command line", "command-lines"},
    [RATLS_TOPIC_FILES] = {"file of the boot loader", "files"},
    [RATLS_TOPIC_OWNER_KEYS] = {"list of the owner's keys", "owner-keys"},
    [RATLS_TOPIC_IMA_ALLOW] = {"file that ran or was read", "allow"},
    [RATLS_TOPIC_IMA_DENY] = {"denied file", "deny"},
    [RATLS_TOPIC_IMA_SIGNERS] = {"signer of files", "signed-by"},
};

const char *ratls_topic_noun(enum ratls_topic topic)
{
    return TOPICS[topic].noun;
}

const char *ratls_topic_key(enum ratls_topic topic)
{
    return TOPICS[topic].key;
}

static bool grow(struct ratls_facts *facts)
{
    const size_t cap = facts->cap == 0 ? CAP_FIRST : 2 * facts->cap;
    struct ratls_fact *items = reallocarray(facts->items, cap, sizeof *items);

    if (items == NULL)
        return false;
    facts->items = items;
    facts->cap = cap;
    return true;
}

/* Name and value lie in one block, each with a NUL behind it. */
enum ratls_status ratls_facts_add(struct ratls_facts *facts, const struct ratls_fact *fact,
                                  struct ratls_error *err)
{
    struct ratls_fact copy = *fact;
    uint8_t *bytes;

    if (facts->count == facts->cap && !grow(facts))
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    bytes = calloc(1, fact->name.len + fact->value.len + 2);
    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (fact->name.len > 0)
        memcpy(bytes, fact->name.p, fact->name.len);
    if (fact->value.len > 0)
        memcpy(bytes + fact->name.len + 1, fact->value.p, fact->value.len);
    copy.bytes = bytes;
    copy.name.p = bytes;
    copy.value.p = bytes + fact->name.len + 1;
    facts->items[facts->count++] = copy;
    return RATLS_OK;
}

enum ratls_status ratls_facts_add_text(struct ratls_facts *facts, enum ratls_topic topic,
                                       const char *name, const char *value, struct ratls_error *err)
{
    const struct ratls_fact fact = {.topic = topic,
                                    .form = RATLS_FACT_TEXT,
                                    .name = ratls_slice(name, strlen(name)),
                                    .value = ratls_slice(value, strlen(value))};

    return ratls_facts_add(facts, &fact, err);
}

void ratls_facts_done(struct ratls_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        free(facts->items[i].bytes);
    free(facts->items);
    *facts = (struct ratls_facts){0};
}

static bool is_same(struct ratls_slice a, struct ratls_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool ratls_fact_same(const struct ratls_fact *a, const struct ratls_fact *b)
{
    const bool has_name = a->topic < RATLS_TOPIC_FIRST_LIST || a->topic == RATLS_TOPIC_IMA_ALLOW;

    return a->topic == b->topic && is_same(a->value, b->value) &&
           (!has_name || is_same(a->name, b->name));
}

/* RFC 4514 in one line, as people know it. */
static void write_subject(struct ratls_slice der, char *out, size_t cap)
{
    const unsigned char *p = der.p;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    if (certificate != NULL && bio != NULL &&
        X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
                           XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(bio, &text);
    if (len > 0)
        ratls_escape(ratls_slice(text, (size_t)len), out, cap);
    else
        snprintf(out, cap, "(not a certificate)");
    BIO_free(bio);
    X509_free(certificate);
}

void ratls_fact_value_text(const struct ratls_fact *fact, char *out, size_t cap)
{
    switch (fact->form) {
    case RATLS_FACT_DIGEST:
        ratls_hex(fact->value, out, cap);
        break;
    case RATLS_FACT_TEXT:
        ratls_escape(fact->value, out, cap);
        break;
    case RATLS_FACT_CERTIFICATE:
        write_subject(fact->value, out, cap);
        break;
    }
}
