/*
 * One row is one attack, or one mistake: good evidence with one thing changed, by whoever has the
 * power to change it. Exactly the checks of the row fail; those that need them are not run; all
 * others pass or are not asked for.
 */
#ifndef RATLS_TEST_ROWS_H
#define RATLS_TEST_ROWS_H

#include "check_set.h"
#include "scene.h"

#define BIT(check) CHECK_BIT(RATLS_CHECK_##check)
/* Both included. */
#define FROM_TO(first, last) ((BIT(last) << 1) - BIT(first))

#define ALL_OF_PCR FROM_TO(PCR_SELECTION, PCR_VALUE)
#define ALL_OF_IMA FROM_TO(IMA_PRESENT, IMA_ALLOW)
#define ALL_OF_CONTENT FROM_TO(STATEMENT_LABEL, PCR_VALUE)
#define NEEDS_AK_FORMAT                                                                            \
    (FROM_TO(AK_ATTRIBUTES, AK_SERVER) | BIT(QUOTE_SIGNATURE) | BIT(QUOTE_SIGNER) |                \
     BIT(QUOTE_COUNTERS) | BIT(PCR_DIGEST))
#define NEEDS_AK_REVOKED (FROM_TO(AK_TRUST, AK_SERVER) | BIT(QUOTE_SIGNATURE))
#define NEEDS_AK_DENIED (FROM_TO(AK_REVOKED, AK_SERVER) | BIT(QUOTE_SIGNATURE))
#define NEEDS_AK_SOFTWARE NEEDS_AK_REVOKED
#define NEEDS_AK_TRUST (BIT(AK_SERVER) | BIT(QUOTE_SIGNATURE))
#define NEEDS_AK_CERTIFIED (NEEDS_AK_TRUST | BIT(AK_SOFTWARE)) /* where there is an issuer */
/* What needs boot.format, and what needs boot.replay. */
#define BOOT_BEHIND_FORMAT FROM_TO(BOOT_REPLAY, BOOT_OWNER_KEYS)
#define BOOT_BEHIND_REPLAY FROM_TO(BOOT_LABELS, BOOT_OWNER_KEYS)

enum row_trust {
    ROW_PINNED = 0,
    ROW_CERTIFIED,
    ROW_UNKNOWN, /* whatever the row itself arranges */
};

struct row {
    const char *name;
    enum ratls_check check; /* the one that this row is about: it fails, and first */
    check_set also;         /* others that fail with it, because they compare the same thing */
    check_set not_run;      /* need one that failed */
    enum fake_algorithm algorithm;
    enum ratls_mode mode; /* 0: handshake */
    enum row_trust trust;
    void (*before)(struct scene *scene); /* before the key is trusted */
    void (*after)(struct scene *scene);  /* after that, before the server attests */
    fake_tamper *tamper;
    bool boots; /* the machine has a log of its boot; implied by boot */
    void (*boot)(
        struct fake_boot *boot); /* it boots so, and not as the policy allows; after before */
    bool log_only; /* only the log says so: the PCRs are those of the boot that is allowed */
    int param;     /* reaches tamper as an int * */
    void (*meanwhile)(struct scene *scene); /* after the server attested */
    /* Asserted if they are not NULL. */
    const char *at;
    const char *expected;
    const char *actual;
};

struct rows {
    const struct row *rows;
    size_t count;
};

extern const struct rows rows_channel, rows_statement, rows_ak, rows_quote, rows_binding,
    rows_exchange, rows_named, rows_pcr, rows_result, rows_boot_log, rows_boot_claims,
    rows_boot_events, rows_ima_offset, rows_ima_list, rows_ima_entries, rows_ima_template,
    rows_epoch, rows_token, rows_client, rows_revoked, rows_software, rows_tls_key;

/* rows_revoked.c: of the issuer, and of another certificate. */
void give_good_crl(struct scene *scene);

#endif
