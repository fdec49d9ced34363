/*
 * The lease: how long the last verdict about the other side holds, and how it is renewed (WIRE.md,
 * 11). It counts from the moment when the challenge was sent: evidence that answers it cannot be
 * older.
 */
#include <stdlib.h>
#include <string.h>

#include "connection_state.h"
#include "fail.h"
#include "session_record.h"
#include "tls_internal.h"

/*
 * Evidence that comes unasked is dated by the TPM's clock, which may be fast by a twentieth
 * (check_quote.c), and which its owner can set forward. So the lease counts its milliseconds as
 * fewer, and after some of them the other side gets a nonce again.
 */
#define CLOCK_FAST 20
#define PUSHED_PER_NONCE 4
#define MS_PER_S 1000

static bool is_streaming(const struct ratls_connection *c)
{
    return c->options.period_ms != 0;
}

/* Evidence of an epoch has a time of its own: it may come when who attests finds that it should. */
static bool takes_unasked(const struct ratls_connection *c)
{
    return is_streaming(c) || c->lease.exchange->rules->freshness == RATLS_FRESHNESS_EPOCH;
}

/* When the last answer to a nonce was made, at the earliest; one of an epoch is older than that. */
static int64_t date_answer(const struct ratls_lease *lease, const struct ratls_accepted *before)
{
    return lease->asked_ms - (before->is_dated ? (int64_t)before->age_s * MS_PER_S : 0);
}

/* When evidence that came unasked behind it was made, at the earliest, by the TPM's clock. */
static int64_t date_by_clock(const struct ratls_lease *lease, const struct ratls_accepted *before)
{
    const uint64_t clock_ms = lease->report->accepted.clock_ms;
    const uint64_t passed_ms = clock_ms < before->clock_ms ? 0 : clock_ms - before->clock_ms;

    return date_answer(lease, before) + (int64_t)(passed_ms - passed_ms / (CLOCK_FAST + 1));
}

/*
 * From when the lease counts: never from when evidence came, for it may have been held back; nor,
 * where a time stamp says its age, from the end of a handshake that may have been. What comes
 * unasked, behind the answer `before`, makes the lease longer only where a nonce is to come, or a
 * time stamp says its age. NULL: it is what was asked for.
 */
static int64_t find_begin(const struct ratls_lease *lease, const struct ratls_accepted *accepted,
                          const struct ratls_accepted *before)
{
    if (accepted->is_dated)
        return (lease->verdicts == 0 ? lease->asked_ms : ratls_clock_ms()) -
               (int64_t)accepted->age_s * MS_PER_S;
    if (before == NULL)
        return lease->asked_ms;
    return lease->renew_s == 0 ? date_answer(lease, before) : date_by_clock(lease, before);
}

static void plan_renewal(struct ratls_connection *c, int64_t now_ms, bool is_asked_for)
{
    struct ratls_lease *lease = &c->lease;

    if (lease->exchange != NULL && lease->renew_s != 0 && (is_asked_for || is_streaming(c)))
        lease->renew_ms = ratls_clock_later(now_ms, lease->renew_s);
    if (!is_asked_for && lease->renew_ms != RATLS_NEVER) {
        int64_t latest_ms = ratls_clock_later(lease->asked_ms, PUSHED_PER_NONCE * lease->renew_s);

        lease->renew_ms = lease->renew_ms < latest_ms ? lease->renew_ms : latest_ms;
    }
}

/*
 * A result that stands for the quoted values, or the certificates of the key, may end before
 * max-age does. With `renew` the other side brings one that holds with its next answer, or is
 * refused then.
 */
static int64_t find_end(const struct ratls_lease *lease, const struct ratls_accepted *accepted,
                        int64_t begin_ms, int64_t now_ms)
{
    int64_t until_ms, rest_until_ms;

    if (lease->max_age_s == 0)
        return RATLS_NEVER;
    until_ms = ratls_clock_later(begin_ms, lease->max_age_s);
    if (accepted->rest_s == 0 || accepted->rest_s >= lease->max_age_s || lease->renew_s != 0)
        return until_ms;
    rest_until_ms =
        ratls_clock_later(lease->verdicts == 0 ? lease->asked_ms : now_ms, accepted->rest_s);
    return rest_until_ms < until_ms ? rest_until_ms : until_ms;
}

static void extend(struct ratls_connection *c, const struct ratls_accepted *accepted,
                   int64_t begin_ms, bool is_asked_for)
{
    struct ratls_lease *lease = &c->lease;
    int64_t now_ms = ratls_clock_ms();

    if (begin_ms > now_ms)
        begin_ms = now_ms;
    lease->until_ms = find_end(lease, accepted, begin_ms, now_ms);
    plan_renewal(c, now_ms, is_asked_for);
    lease->verdicts++;
    c->gate.is_accepted = ratls_channel_of(c->ssl)->accepted = true;
    ratls_connection_tell(c, lease->verdicts == 1 ? RATLS_EVENT_ACCEPTED : RATLS_EVENT_RENEWED);
}

static enum ratls_outcome refuse_unframed(struct ratls_connection *c)
{
    ratls_fail(&c->error, RATLS_USAGE,
               "the policy wants evidence again every %llu s (renew), and the other side does not "
               "renew: it needs a ratls_connection of its own",
               (unsigned long long)c->lease.renew_s);
    return ratls_connection_end(c, RATLS_FAILED, 0);
}

static enum ratls_status make_exchange(struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);
    const struct ratls_tls *tls = ratls_tls_of(c->ssl);
    const char *name = channel->server_name[0] == '\0' ? NULL : channel->server_name;
    enum ratls_role peer = SSL_is_server(c->ssl) ? RATLS_ROLE_CLIENT : RATLS_ROLE_SERVER;
    enum ratls_status status =
        ratls_exchange_new(c->ssl, channel->policy, name, peer, &c->lease.exchange, &c->error);

    if (status == RATLS_OK)
        c->lease.exchange->is_brief = tls->brief;
    return status;
}

/* The verdict is that of the handshake that this one resumes: it is as old as that (WIRE.md, 5.2).
 */
static bool is_resumed(const struct ratls_connection *c)
{
    return !SSL_is_server(c->ssl) && SSL_session_reused(c->ssl) &&
           !ratls_verdict_is_deferred(c->ssl, ratls_channel_of(c->ssl));
}

/* Where a clock went back nobody knows the age: then it is as long ago as can be counted. */
static int64_t date_by_age(uint64_t age_ms)
{
    return age_ms < INT64_MAX / 2 ? ratls_clock_ms() - (int64_t)age_ms : INT64_MIN / 2;
}

/* Of its first lease a part is over already. */
static void hurry(struct ratls_lease *lease)
{
    if (lease->renew_ms != RATLS_NEVER)
        lease->renew_ms = ratls_clock_later(lease->asked_ms, lease->renew_s);
}

/* After the handshake. In mode 3 the evidence is yet to come; else the verdict has fallen in it. */
enum ratls_outcome ratls_lease_begin(struct ratls_connection *c)
{
    const struct ratls_channel *channel = ratls_channel_of(c->ssl);
    struct ratls_lease *lease = &c->lease;
    enum ratls_status status = RATLS_OK;

    if (channel == NULL || channel->rules == NULL)
        return RATLS_DONE;
    if (channel->rules->freshness != RATLS_FRESHNESS_CERTIFICATE) {
        lease->max_age_s = channel->rules->max_age_s;
        lease->renew_s = channel->rules->renew_s;
    }
    if (!c->stream.is_framed && lease->renew_s != 0)
        return refuse_unframed(c);
    if (is_resumed(c))
        lease->asked_ms = date_by_age(ratls_moment_age_ms(&channel->asked_at));
    if (c->stream.is_framed)
        status = make_exchange(c);
    if (status == RATLS_OK && ratls_verdict_is_deferred(c->ssl, channel)) {
        status = ratls_exchange_adopt(lease->exchange, &channel->request, channel->known,
                                      lease->asked_ms, &c->error);
        lease->is_asking = true;
        lease->until_ms = lease->max_age_s == 0
                              ? RATLS_NEVER
                              : ratls_clock_later(lease->asked_ms, lease->max_age_s);
    } else if (status == RATLS_OK) {
        if (lease->exchange != NULL) {
            lease->exchange->accepted = channel->report->accepted;
            lease->exchange->anchored_ms = lease->asked_ms;
            lease->exchange->next_counter = 1; /* 0 stands for evidence behind the handshake */
        }
        extend(c, &channel->report->accepted, find_begin(lease, &channel->report->accepted, NULL),
               true);
        if (is_resumed(c))
            hurry(lease);
    }
    return status == RATLS_OK ? RATLS_DONE : ratls_connection_fail(c, status);
}

static enum ratls_outcome ask(struct ratls_connection *c, int64_t now_ms)
{
    struct ratls_lease *lease = &c->lease;
    uint8_t *challenge = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_exchange_ask(lease->exchange, c->options.period_ms, &challenge, &len, &c->error);

    if (status == RATLS_OK)
        status = ratls_stream_queue(&c->stream, RATLS_FRAME_CHALLENGE, ratls_slice(challenge, len),
                                    &c->error);
    free(challenge);
    if (status != RATLS_OK)
        return ratls_connection_fail(c, status);
    lease->is_asking = true;
    lease->asked_ms = now_ms;
    lease->renew_ms = RATLS_NEVER;
    return RATLS_DONE;
}

bool ratls_lease_is_over(const struct ratls_connection *c, int64_t now_ms)
{
    return now_ms >= c->lease.until_ms;
}

enum ratls_outcome ratls_lease_progress(struct ratls_connection *c, int64_t now_ms)
{
    if (ratls_lease_is_over(c, now_ms)) {
        ratls_fail(&c->error, RATLS_IO,
                   c->lease.is_asking ? "the other side did not attest again in time"
                                      : "the time for which the evidence holds is over (max-age)");
        return ratls_connection_end(c, RATLS_LAPSED, RATLS_END_LEASE);
    }
    if (c->is_shut || c->is_peer_closed) /* one cannot ask, or the other not answer: it runs out */
        c->lease.renew_ms = RATLS_NEVER;
    return now_ms < c->lease.renew_ms ? RATLS_DONE : ask(c, now_ms);
}

/* The verdict on an answer, or on evidence that came unasked. */
static enum ratls_outcome judge(struct ratls_connection *c)
{
    struct ratls_lease *lease = &c->lease;
    struct ratls_report *report = NULL;
    struct ratls_accepted before = lease->exchange->accepted;
    bool is_asked_for = lease->is_asking;
    enum ratls_status status = ratls_exchange_judge(lease->exchange, &report, &c->error);

    if (report != NULL) {
        ratls_report_free(lease->report);
        lease->report = report;
    }
    if (status == RATLS_REJECTED)
        return ratls_connection_end(c, RATLS_REFUSED, RATLS_END_REFUSED);
    if (status != RATLS_OK)
        return ratls_connection_fail(c, status);
    lease->is_asking = false;
    extend(c, &lease->report->accepted,
           find_begin(lease, &lease->report->accepted, is_asked_for ? NULL : &before),
           is_asked_for);
    if (lease->verdicts == 1 && !SSL_is_server(c->ssl)) /* tickets come behind the evidence */
        ratls_session_record_keep(c->ssl, ratls_channel_of(c->ssl), lease->report);
    return RATLS_DONE;
}

enum ratls_outcome ratls_lease_take(struct ratls_connection *c, struct ratls_slice piece)
{
    bool is_complete = false;
    enum ratls_status status;

    if (c->lease.exchange == NULL || (!c->lease.is_asking && !takes_unasked(c))) {
        ratls_fail(&c->error, RATLS_MALFORMED, "the other side sent evidence that nobody wants");
        return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
    }
    status = ratls_exchange_take(c->lease.exchange, piece, &is_complete, &c->error);
    if (status == RATLS_USAGE) /* none is awaited */
        return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
    if (status != RATLS_OK)
        return ratls_connection_fail(c, status);
    return is_complete ? judge(c) : RATLS_DONE;
}

int64_t ratls_lease_due_ms(const struct ratls_lease *lease)
{
    return lease->until_ms < lease->renew_ms ? lease->until_ms : lease->renew_ms;
}

void ratls_lease_free(struct ratls_lease *lease)
{
    ratls_exchange_free(lease->exchange);
    ratls_report_free(lease->report);
    lease->exchange = NULL;
    lease->report = NULL;
}
