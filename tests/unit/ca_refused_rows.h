/* Rows of test_ca_refused: one thing that is wrong with an enrolment, and what a CA says to it. */
#ifndef RATLS_TEST_CA_REFUSED_ROWS_H
#define RATLS_TEST_CA_REFUSED_ROWS_H

#include "ca_world.h"

struct ca_scene {
    struct ca_world *world;
    struct ca_machine machine; /* which asks, and may have www.bank.example by a rule */
    struct ca_machine other;   /* of the same maker */
    const char *names;
    char token[CA_TOKEN_SIZE]; /* "": without */
    char config[256];          /* with that rule */
    struct ca_wish wish;
    uint8_t request[RATLS_ENROLL_REQUEST_MAX + 1];
    size_t request_len;
};

struct ca_row {
    const char *name;
    const char *reason; /* "": it gets what it asks for */
    unsigned status;
    bool at_answer;                     /* the request is fine */
    enum ratls_ek_template ek_template; /* 0: L-2 */
    enum fake_algorithm ak;
    const char *approval;                                      /* instead of the rule */
    const char *config;                                        /* more of it */
    void (*prepare)(struct ca_scene *s);                       /* the CA, or the machine */
    void (*ask)(struct ca_scene *s);                           /* what is asked */
    void (*changed)(struct ca_scene *s);                       /* the bytes of it */
    void (*between)(struct ca_scene *s);                       /* challenge and answer */
    fake_tamper *quote;                                        /* the quote in the answer */
    void (*reply)(struct ca_scene *s, struct ca_reply *reply); /* the rest of it */
    bool is_not_used_up;                                       /* no challenge was named */
    bool is_recorded_by_store;                                 /* in words of its own */
};

/* Of the row that is tried. */
extern struct ca_scene ca_scene;

const struct ca_row *ca_rows_request(size_t *ret_count);
const struct ca_row *ca_rows_names(size_t *ret_count);
const struct ca_row *ca_rows_answer(size_t *ret_count);

/* The other machine gets its certificate for these names. */
void ca_scene_enrol_other(struct ca_scene *s, const char *names);
/* The machine itself does, with another attestation key if it has one now. */
void ca_scene_enrol(struct ca_scene *s, const struct ca_machine *machine, const char *names);
void ca_scene_deny(struct ca_scene *s, const char *kind, const char *value);

#endif
