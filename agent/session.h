/*
 * One connection to ratlsd. It reads questions, while its answers are taken; one who does not take
 * them is not listened to, and then left.
 */
#ifndef RATLS_AGENTD_SESSION_H
#define RATLS_AGENTD_SESSION_H

#include <systemd/sd-event.h>

#include "callers.h"
#include "peer.h"
#include "question.h"

#define RATLS_AGENTD_IDS 64 /* chains of questions, by id */

struct ratls_agentd_session {
    struct ratls_agentd *agent;
    LIST_ENTRY(ratls_agentd_session) link;
    TAILQ_ENTRY(ratls_agentd_session) to_flush;
    bool is_to_flush;
    int fd;
    bool takes_files; /* disposal.h */
    sd_event_source *source;
    struct ratls_agentd_peer peer;
    const struct ratls_agentd_rule *rule; /* of the present configuration; NULL: none */
    struct ratls_agentd_caller *caller;
    struct ratls_agentd_question_ids ids[RATLS_AGENTD_IDS];
    struct ratls_agentd_question_list ready; /* to be answered, as soon as it takes answers */
    uint8_t *unsent;                         /* an answer that it did not take yet; NULL: none */
    size_t unsent_len;
    int64_t blocked_ms; /* since when */
    bool is_stranger;   /* nothing is for it */
    bool is_over;       /* to be ended */
};

LIST_HEAD(ratls_agentd_session_list, ratls_agentd_session);
TAILQ_HEAD(ratls_agentd_session_queue, ratls_agentd_session);

/* Nothing is for this peer, not even a look at what the agent counts. */
bool ratls_agentd_is_stranger(const struct ratls_agentd *agent,
                              const struct ratls_agentd_peer *peer);

/* Takes fd and what the peer has, whatever is returned. The agent owns the session. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_session_begin(struct ratls_agentd *agent, int fd,
                                                              struct ratls_agentd_peer *peer,
                                                              struct ratls_error *err);
/* Its questions are cancelled. Frees it. */
void ratls_agentd_session_end(struct ratls_agentd_session *session);

/* The chain in which a question of this id is. */
struct ratls_agentd_question_ids *ratls_agentd_session_ids(struct ratls_agentd_session *session,
                                                           uint64_t id);

/* One message of the caller. From here on, false: the session is over, and is to be ended. */
bool ratls_agentd_session_hear(struct ratls_agentd_session *session, struct ratls_slice message);
/* Sends what is ready, as far as it is taken. */
bool ratls_agentd_session_flush(struct ratls_agentd_session *session);
/* Answers a question whose time is over, and frees it. */
bool ratls_agentd_session_be_late(struct ratls_agentd_session *session,
                                  struct ratls_agentd_question *question);
/* The rules are others now. */
bool ratls_agentd_session_take_rules(struct ratls_agentd_session *session);
/* Whether it has not taken its answers for too long. */
bool ratls_agentd_session_is_stuck(const struct ratls_agentd_session *session, int64_t now_ms);

#endif
