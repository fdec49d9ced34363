/* What agent_link.c and agent_reader.c share: a link from inside. */
#ifndef RATLS_AGENT_LINK_PARTS_H
#define RATLS_AGENT_LINK_PARTS_H

#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "agent_job.h"
#include "agent_link.h"
#include "agent_silence.h"
#include "agent_socket.h"

#define RATLS_AGENT_NO_FD (-1)

/* A question for a state that is to be at hand; the reader's alone. */
struct ratls_agent_ahead {
    struct ratls_agent_link *link;
    struct ratls_agent_job *job; /* NULL: none */
    struct ratls_pcr_selection selection;
    struct timespec begun;
};

struct ratls_agent_link {
    pid_t process; /* up to the blank line nothing changes after ratls_agent_link_new() */
    char path[RATLS_AGENT_PATH_MAX + 1];
    char service[RATLS_SERVICE_MAX + 1];
    unsigned deadline_ms;
    int wake_fd; /* an eventfd: the reader looks again */

    atomic_ullong last_id;
    struct stat socket; /* what fd is of; changed before fd is */
    atomic_int fd;      /* changed with the lock held; RATLS_AGENT_NO_FD: not connected */
    /* Who is just sending, without the lock: as long as there are any, the socket stays open. */
    atomic_uint senders;

    pthread_mutex_t lock; /* of what follows, up to the blank line */
    unsigned users;       /* the owner, and the reader while it runs: the last one frees all */
    struct ratls_agent_table table;
    struct ratls_agent_silence silence;
    struct timespec next_try; /* of connecting, if the connection of before has ended */
    struct ratls_error
        trouble; /* why it has; RATLS_OK: it has not, or connecting was tried again */
    pthread_t reader;
    bool is_reading; /* the reader was started */
    bool has_exited;
    pthread_cond_t exited;
    bool is_stopping;
    const struct ratls_agent_job *called; /* which is being called; NULL: none */
    pthread_cond_t returned;              /* from a call */
    bool is_timed;                        /* the reader wakes by itself, no later than: */
    struct timespec timer;
    struct ratls_state_keeper states;
    bool has_turn; /* the next of these is to be asked for at: */
    struct timespec turn;

    uint8_t *answer; /* from here on only the reader's: RATLS_AGENT_ANSWER_MAX bytes */
    struct ratls_agent_ahead ahead[RATLS_STATES_MAX];
};

/* agent_link.c */
void ratls_agent_link_wake(const struct ratls_agent_link *link);
void ratls_agent_link_leave(struct ratls_agent_link *link); /* no lock may be held */
/* With the lock held. The thread that reads; then it, and the connection. */
RATLS_MUST_CHECK enum ratls_status ratls_agent_link_start(struct ratls_agent_link *link,
                                                          struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_agent_link_connect(struct ratls_agent_link *link,
                                                            struct ratls_error *err);
/* With the lock held: it answers, so when it is restarted it may be asked again at once. */
void ratls_agent_link_allow_next(struct ratls_agent_link *link);

/* Whether this is its thread; with the lock held. */
static inline bool ratls_agent_link_is_reader(const struct ratls_agent_link *link)
{
    return link->is_reading && pthread_equal(link->reader, pthread_self());
}

/* agent_ask.c */
/* With the lock held, for a job that came to its deadline. Perhaps the agent hangs. */
enum ratls_status ratls_agent_fail_late(struct ratls_agent_link *link,
                                        const struct ratls_agent_job *job, struct ratls_error *err);
/* Without waiting, and without a signal if nobody is there any more. 0 or an errno. */
int ratls_agent_send(int fd, const uint8_t *message, size_t len);
/*
 * With the lock held: what became of an open job that could not be sent. It waits for its turn, or
 * has failed; or it is left alone, for the connection is over, and the reader says so to all.
 */
void ratls_agent_note_unsent(struct ratls_agent_link *link, struct ratls_agent_job *job, int error);

/* agent_ahead.c: with the lock held, without it meanwhile. True: it has asked for a state. */
bool ratls_agent_look_ahead(struct ratls_agent_link *link);

/* agent_reader.c: what the thread does; arg is the link. */
void *ratls_agent_reader_run(void *arg);

#endif
