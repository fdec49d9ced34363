/*
 * A vigil beside connections to one server: attested handshakes of our own, again and again, each
 * tied to the machine of the first. They show what has become of the platform since; nothing is
 * ever sent on them.
 */
#ifndef RATLS_TOOL_VIGIL_H
#define RATLS_TOOL_VIGIL_H

#include "session.h"
#include "tls_machine.h"

#define RATLS_VIGIL_INTERVAL_DEFAULT_S 60
#define RATLS_VIGIL_AGES 2 /* without a max-age: as many intervals */

struct ratls_vigil_options {
    struct ratls_session_options session; /* with a policy */
    unsigned interval_s; /* from one handshake to the next, at most; 0: as the policy says */
    unsigned max_age_s;  /* how long a verdict holds; 0: as the policy says */
};

enum ratls_vigil_end {
    RATLS_VIGIL_ACCEPTED,
    RATLS_VIGIL_UNREACHED, /* no verdict this time; the last one still holds */
    RATLS_VIGIL_REFUSED,   /* by the policy, or by the certificate authorities */
    RATLS_VIGIL_REBOOTED,  /* the same attestation key, another boot */
    RATLS_VIGIL_REPLACED,  /* another machine, or another TLS key that nobody vouches for */
    RATLS_VIGIL_SILENT,    /* the last verdict is older than max-age */
};

#define RATLS_VIGIL_CHECK_MAX 64
#define RATLS_VIGIL_REASON_MAX 640

struct ratls_vigil_verdict {
    enum ratls_vigil_end end;
    enum ratls_status status; /* of RATLS_VIGIL_UNREACHED: RATLS_USAGE will not get better */
    char check[RATLS_VIGIL_CHECK_MAX]; /* "" if none failed: a check, or a word of the same kind */
    char reason[RATLS_VIGIL_REASON_MAX]; /* printable; "" if accepted */
    char *text;                          /* the checks that failed, for people; NULL: no report */
    char *json;                          /* the report; NULL: none */
};

struct ratls_vigil {
    struct ratls_vigil_options options; /* with interval and max-age as they are meant */
    bool is_tied;
    struct ratls_machine machine; /* that every handshake must show */
    int64_t accepted_ms;          /* begin of the last accepted handshake, or of the vigil */
    int64_t begun_ms;             /* of the last handshake */
};

/* Time that also passes while the machine sleeps: CLOCK_BOOTTIME. */
int64_t ratls_vigil_now_ms(void);

/*
 * Begins. machine: of the connection that it is beside, NULL: of the first accepted handshake.
 * since_ms: when the connection was accepted. RATLS_USAGE if no policy speaks for the server, or a
 * verdict would not hold from one handshake to the next.
 */
RATLS_MUST_CHECK enum ratls_status ratls_vigil_begin(const struct ratls_vigil_options *options,
                                                     const struct ratls_machine *machine,
                                                     int64_t since_ms, struct ratls_vigil *ret,
                                                     struct ratls_error *err);

/* One handshake; over when the last verdict is too old, at the latest. Cleared by the caller. */
void ratls_vigil_look(struct ratls_vigil *vigil, struct ratls_vigil_verdict *ret_verdict);
void ratls_vigil_verdict_clear(struct ratls_vigil_verdict *verdict);

/* Whether the server is to be trusted no longer. */
bool ratls_vigil_fallen(enum ratls_vigil_end end);
/* "accepted", "refused" and so on. */
const char *ratls_vigil_end_name(enum ratls_vigil_end end);

/* Sleeps until the next handshake is due. */
void ratls_vigil_wait(const struct ratls_vigil *vigil, enum ratls_vigil_end end);

#endif
