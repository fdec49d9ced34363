/*
 * Where the revocation lists of policies lie, and where they come from. Of a policy only that is
 * read: it can be had also where a list is missing, or out of date.
 */
#ifndef RATLS_TOOL_CRL_PLACES_H
#define RATLS_TOOL_CRL_PLACES_H

#include <ratls/error.h>
#include <stddef.h>

struct ratls_crl_place {
    char *issuer_path; /* file of its certificate */
    char *path;        /* of the list */
    char *url;         /* NULL: the policy does not say */
};

struct ratls_crl_places {
    struct ratls_crl_place *items;
    size_t count;
};

/* Appends those of a policy, or of all in a folder; what is there already is not there twice. */
RATLS_MUST_CHECK enum ratls_status
ratls_crl_places_add(struct ratls_crl_places *places, const char *policy, struct ratls_error *err);
void ratls_crl_places_done(struct ratls_crl_places *places);

#endif
