/*
 * A server's tickets: each says in which measured state the server attested itself, and lapses when
 * that is another (WIRE.md, 5.2). It is in the ticket itself, which only the server can read. A
 * ticket of a client that asked for no evidence has nothing of it, and is as it was.
 */
#include <string.h>

#include "measured.h"
#include "tls_contexts.h"
#include "tls_internal.h"

#define LABEL "ratls-1" /* with its NUL */
#define BANK_LEN 6
#define DATA_MAX (sizeof LABEL + 1 + RATLS_BANKS_MAX * BANK_LEN + RATLS_MEASURED_LEN)

struct ticket_data {
    struct ratls_pcr_selection selection;
    uint8_t state[RATLS_MEASURED_LEN];
};

static void write_data(const struct ticket_data *data, struct ratls_writer *w)
{
    static const char label[] = LABEL;

    ratls_write_bytes(w, ratls_slice(label, sizeof label));
    ratls_write_u8(w, (uint8_t)data->selection.count);
    for (size_t i = 0; i < data->selection.count; i++) {
        ratls_write_u16(w, data->selection.banks[i].hash_alg);
        ratls_write_u32(w, data->selection.banks[i].pcrs);
    }
    ratls_write_bytes(w, ratls_slice(data->state, sizeof data->state));
}

static bool read_data(struct ratls_reader *r, struct ticket_data *ret_data)
{
    struct ticket_data data = {.selection.count = ratls_read_u8(r)};
    struct ratls_slice state;

    if (data.selection.count > RATLS_BANKS_MAX)
        return false;
    for (size_t i = 0; i < data.selection.count; i++) {
        data.selection.banks[i].hash_alg = ratls_read_u16(r);
        data.selection.banks[i].pcrs = ratls_read_u32(r);
    }
    state = ratls_read_bytes(r, sizeof data.state);
    if (!ratls_reader_done(r) || !ratls_selection_valid(&data.selection))
        return false;
    memcpy(data.state, state.p, sizeof data.state);
    *ret_data = data;
    return true;
}

/* The data in a session behind our label; false if it has none of ours. */
static bool find_data(SSL_SESSION *session, struct ratls_reader *ret_data)
{
    static const char label[] = LABEL;
    void *bytes = NULL;
    size_t len = 0;
    struct ratls_reader r;

    if (session == NULL || !SSL_SESSION_get0_ticket_appdata(session, &bytes, &len) || bytes == NULL)
        return false;
    r = ratls_reader(ratls_slice(bytes, len));
    if (!ratls_slice_equal(ratls_read_bytes(&r, sizeof label), ratls_slice(label, sizeof label)))
        return false;
    *ret_data = r;
    return true;
}

void ratls_server_keep_state(struct ratls_channel *channel, struct ratls_slice evidence)
{
    channel->has_attested = channel->request.selection.count != 0;
    /* What cannot be read leaves zeros, which no state is: such a ticket is never taken. */
    if (ratls_measured_evidence(evidence, channel->measured, NULL) != RATLS_OK)
        memset(channel->measured, 0, sizeof channel->measured);
}

/*
 * OpenSSL's own cache hands a session out without a word to anybody. It is asked for sessions that
 * are not in their tickets: where there are no such, and where replay of early data is prevented.
 */
static bool is_kept_by_openssl(SSL *ssl)
{
    const uint64_t options = SSL_get_options(ssl);
    const long mode = SSL_CTX_get_session_cache_mode(SSL_get_SSL_CTX(ssl));

    return (mode & SSL_SESS_CACHE_NO_INTERNAL_LOOKUP) == 0 &&
           ((options & SSL_OP_NO_TICKET) != 0 ||
            (SSL_get_max_early_data(ssl) != 0 && (options & SSL_OP_NO_ANTI_REPLAY) == 0));
}

/* 0 ends the handshake: better than a ticket that would outlive the state. */
static int fill_ticket(SSL *ssl, void *arg)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);
    struct ticket_data data;
    uint8_t bytes[DATA_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    (void)arg;
    if (channel == NULL || !channel->has_attested)
        return 1;
    if (is_kept_by_openssl(ssl))
        ratls_session_set_time(SSL_get_session(ssl), 1); /* too old from the begin */
    data.selection = channel->request.selection;
    memcpy(data.state, channel->measured, sizeof data.state);
    write_data(&data, &w);
    return !w.failed && SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), bytes, w.len);
}

/*
 * The thread may have others to serve, so it does not wait for the TPM. Where no state is at hand
 * the handshake is a full one: that is always right, and its evidence pauses, or comes behind it,
 * where the program allows that. To pause here as well would gain little, for a quote takes hardly
 * longer than the state does.
 */
static enum ratls_status find_state(struct ratls_attester *attester,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[RATLS_MEASURED_LEN])
{
    if (attester->known_state != NULL)
        return attester->known_state(attester, selection, ret_digest, NULL);
    return attester->state == NULL ? RATLS_TPM
                                   : attester->state(attester, selection, ret_digest, NULL);
}

static bool is_state_unchanged(const SSL *ssl, struct ratls_reader *r)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);
    struct ratls_attester *attester = tls == NULL ? NULL : tls->attester;
    uint8_t now[RATLS_MEASURED_LEN];
    struct ticket_data data;

    return attester != NULL && read_data(r, &data) &&
           find_state(attester, &data.selection, now) == RATLS_OK &&
           ratls_slice_equal(ratls_slice(now, sizeof now),
                             ratls_slice(data.state, sizeof data.state));
}

/* What OpenSSL does by itself, but for tickets of ours: SSL_CTX_set_session_ticket_cb(3). */
static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
                                      size_t key_name_len, SSL_TICKET_STATUS status, void *arg)
{
    struct ratls_reader data;

    (void)key_name, (void)key_name_len, (void)arg;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (find_data(session, &data) && !is_state_unchanged(ssl, &data))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- sessions that the program keeps itself ---- */

static SSL_SESSION *get_session(SSL *ssl, const unsigned char *id, int len, int *ret_copy)
{
    struct ratls_tls *tls = ratls_tls_of(ssl);
    ratls_get_session_fn *chained = tls == NULL ? NULL : atomic_load(&tls->chained_get_session);
    SSL_SESSION *session = chained == NULL ? NULL : chained(ssl, id, len, ret_copy);
    struct ratls_reader data;

    if (session == NULL || !find_data(session, &data) || is_state_unchanged(ssl, &data))
        return session;
    if (!*ret_copy)
        SSL_SESSION_free(session);
    return NULL;
}

void ratls_sessions_watch(SSL_CTX *ctx, struct ratls_tls *tls)
{
    ratls_get_session_fn *current;

    pthread_mutex_lock(&tls->lock);
    current = SSL_CTX_sess_get_get_cb(ctx);
    if (current != NULL && current != get_session) {
        atomic_store(&tls->chained_get_session, current);
        SSL_CTX_sess_set_get_cb(ctx, get_session);
    }
    pthread_mutex_unlock(&tls->lock);
}

/*
 * At each request, as the program may have set its own since. OpenSSL asks the context that the
 * handshake began with, which is not that of the SSL any more if the program has changed it by the
 * ClientHello, as HAProxy does, and cannot be found from there: so all of them, where it is due.
 */
void ratls_server_watch_sessions(const SSL *ssl, struct ratls_tls *tls)
{
    ratls_get_session_fn *current;
    bool is_due;

    pthread_mutex_lock(&tls->lock);
    current = SSL_CTX_sess_get_get_cb(SSL_get_SSL_CTX(ssl));
    is_due = !tls->sees_sessions || (current != NULL && current != get_session);
    tls->sees_sessions = true;
    pthread_mutex_unlock(&tls->lock);
    if (is_due)
        ratls_tls_contexts_watch_sessions();
}

/* Before the program sets its own: there is no way to learn of one, and so none to call it. */
bool ratls_server_watch_tickets(SSL_CTX *ctx)
{
    return SSL_CTX_set_session_ticket_cb(ctx, fill_ticket, judge_ticket, NULL) == 1;
}
