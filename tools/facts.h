/*
 * Facts: what a machine showed, or what a policy says, in pieces that can be compared: "image",
 * what it is, and its digest. Learning writes facts down, an update adds those that are missing,
 * and two things differ in their facts.
 */
#ifndef RATLS_TOOL_FACTS_H
#define RATLS_TOOL_FACTS_H

#include <ratls/attester.h>

#include "bytes.h"

/* What a fact is about. From FIRMWARE on each stands for one list of a policy (ratls-policy(5)). */
enum ratls_topic {
    RATLS_TOPIC_IDENTITY,    /* attestation key, service, servers, TPM firmware */
    RATLS_TOPIC_PCR,         /* the value of one PCR */
    RATLS_TOPIC_SECURE_BOOT, /* its state */
    RATLS_TOPIC_RULE,        /* of a policy: what is required besides */
    RATLS_TOPIC_OTHER,       /* events of PCRs for which a policy has no list */
    RATLS_TOPIC_FIRMWARE,
    RATLS_TOPIC_SETTINGS,
    RATLS_TOPIC_IMAGES,
    RATLS_TOPIC_KERNELS, /* of a policy only: a machine shows images and files */
    RATLS_TOPIC_PARTITIONS,
    RATLS_TOPIC_VARIABLES,
    RATLS_TOPIC_SIGNERS,
    RATLS_TOPIC_COMMAND_LINES,
    RATLS_TOPIC_FILES,
    RATLS_TOPIC_OWNER_KEYS,
    RATLS_TOPIC_IMA_ALLOW,
    RATLS_TOPIC_IMA_DENY,    /* of a policy only */
    RATLS_TOPIC_IMA_SIGNERS, /* of a policy only: a list has key ids, and no certificates */
    RATLS_TOPIC_COUNT
};
#define RATLS_TOPIC_FIRST_LIST RATLS_TOPIC_FIRMWARE

enum ratls_fact_form {
    RATLS_FACT_DIGEST,      /* shown in hexadecimal */
    RATLS_FACT_TEXT,        /* bytes that were measured as a text */
    RATLS_FACT_CERTIFICATE, /* DER */
};

struct ratls_fact {
    enum ratls_topic topic;
    enum ratls_fact_form form;
    unsigned pcr;
    uint64_t place;           /* number of the event, or of the entry in an IMA list */
    struct ratls_slice name;  /* what it is; states nothing, but for a path of an IMA list */
    struct ratls_slice value; /* of a text behind the last byte a NUL */
    bool is_verity;           /* IMA: a digest of fs-verity, which no list can allow */
    uint8_t *bytes;           /* name and value, if the list owns them */
};

/* Owns the bytes of its facts. Zeros are an empty list. */
struct ratls_facts {
    struct ratls_fact *items;
    size_t count;
    size_t cap;
};

/* Copies the fact with its bytes. */
RATLS_MUST_CHECK enum ratls_status
ratls_facts_add(struct ratls_facts *facts, const struct ratls_fact *fact, struct ratls_error *err);
/* A fact of two texts. */
RATLS_MUST_CHECK enum ratls_status ratls_facts_add_text(struct ratls_facts *facts,
                                                        enum ratls_topic topic, const char *name,
                                                        const char *value, struct ratls_error *err);
void ratls_facts_done(struct ratls_facts *facts);

/* Same topic and same value; of an IMA list also the same path. */
bool ratls_fact_same(const struct ratls_fact *a, const struct ratls_fact *b);

/* Digest in hexadecimal, text escaped, subject of a certificate. */
void ratls_fact_value_text(const struct ratls_fact *fact, char *out, size_t cap);

/* "image", "command line" and so on. */
const char *ratls_topic_noun(enum ratls_topic topic);
/* The key of a policy, as "images"; NULL for a topic without one. */
const char *ratls_topic_key(enum ratls_topic topic);

#endif
