/*
 * Whether a certificate proves that a key is the endorsement key of a maker's TPM: RFC 5280, 6, and
 * TCG EK Credential Profile, 3.2, with what real certificates need, and no more.
 */
#ifndef RATLS_CA_EK_CHECK_H
#define RATLS_CA_EK_CHECK_H

#include "ek_certificate.h"
#include "ek_template.h"
#include "roots.h"

#define RATLS_EK_CERTIFICATES_MAX 8
#define RATLS_EK_WHY_MAX 768

/* A bit set: every one is found, whatever else is wrong. */
enum ratls_ek_defect {
    RATLS_EK_DEFECT_FORMAT = 1 << 0,    /* not a certificate, or an extension is twice or broken */
    RATLS_EK_DEFECT_CHAIN = 1 << 1,     /* no path to a pinned root */
    RATLS_EK_DEFECT_SIGNATURE = 1 << 2, /* not signed by its issuer, or by a weak algorithm */
    RATLS_EK_DEFECT_TIME = 1 << 3,      /* not yet valid, or expired */
    RATLS_EK_DEFECT_CRITICAL = 1 << 4,  /* a critical extension that is not understood */
    RATLS_EK_DEFECT_CA = 1 << 5,        /* of a CA, not of a key */
    RATLS_EK_DEFECT_USAGE = 1 << 6,     /* key usage: not for decryption alone */
    RATLS_EK_DEFECT_PURPOSE = 1 << 7,   /* does not say that it is for a TPM */
    RATLS_EK_DEFECT_FAMILY = 1 << 8,    /* of another TPM than a TPM 2.0 */
    RATLS_EK_DEFECT_KEY = 1 << 9,       /* of a type or size that no template has, or weak */
    RATLS_EK_DEFECT_AREA = 1 << 10,     /* the public area is not the template's with this key */
    RATLS_EK_DEFECT_SOFTWARE = 1 << 11, /* a software TPM: what it signs proves nothing */
};

struct ratls_ek_question {
    const struct ratls_slice *certificates; /* DER; the key's own first, then others of its chain */
    size_t count;                           /* 1 to RATLS_EK_CERTIFICATES_MAX */
    const struct ratls_roots *roots;
    int64_t now;                            /* seconds since 1970-01-01 UTC */
    const struct ratls_ek_profile *profile; /* NULL: there is no area to compare */
    struct ratls_slice area;                /* TPMT_PUBLIC of the peer */
    bool allows_software;
};

struct ratls_ek_answer {
    struct ratls_ek_certificate ek; /* empty if it cannot be read */
    unsigned defects;               /* 0: it proves what it should */
    char why[RATLS_EK_WHY_MAX];     /* the defects in words, "; " between them */
    char missing[RATLS_EK_URL_MAX]; /* where a certificate says that its missing issuer is; or "" */
    size_t path_count;              /* certificates above the key's, the root the last; 0: none */
    uint8_t root_sha256[32];
};

/* Free with ratls_ek_answer_done(). */
RATLS_MUST_CHECK enum ratls_status ratls_ek_check(const struct ratls_ek_question *question,
                                                  struct ratls_ek_answer *ret_answer,
                                                  struct ratls_error *err);
void ratls_ek_answer_done(struct ratls_ek_answer *answer);

#endif
