#include "connection_gate.h"

#include <limits.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Without a gate its connection was freed, and the program has kept the SSL. */
static bool is_open(const struct ratls_gate *gate)
{
    return gate != NULL && gate->is_inside && !gate->is_closed;
}

static bool may_pass(const struct ratls_gate *gate)
{
    if (!is_open(gate))
        return false;
    return gate->is_accepted || gate->is_ending || !SSL_is_init_finished(gate->ssl);
}

static bool keep(struct ratls_gate *gate, const char *in, size_t len)
{
    if (len == 0)
        return true;
    if (len > gate->kept_cap - gate->kept_len) {
        size_t cap = gate->kept_len + len;
        uint8_t *grown = realloc(gate->kept, cap);

        if (grown == NULL)
            return false;
        gate->kept = grown;
        gate->kept_cap = cap;
    }
    memcpy(gate->kept + gate->kept_len, in, len);
    gate->kept_len += len;
    return true;
}

bool ratls_gate_flush(struct ratls_gate *gate)
{
    size_t at = 0;

    while (at < gate->kept_len) {
        size_t written = 0;

        if (!BIO_write_ex(gate->transport, gate->kept + at, gate->kept_len - at, &written))
            break;
        at += written;
    }
    if (at != 0)
        memmove(gate->kept, gate->kept + at, gate->kept_len - at);
    gate->kept_len -= at;
    return gate->kept_len == 0;
}

static int write_through(BIO *bio, const char *in, int len)
{
    struct ratls_gate *gate = BIO_get_data(bio);
    int written = 0;

    BIO_clear_retry_flags(bio);
    if (in == NULL || len <= 0)
        return 0;
    if (!may_pass(gate)) {
        if (gate != NULL)
            gate->has_stopped = gate->has_stopped || SSL_is_init_finished(gate->ssl);
        return -1;
    }
    if (ratls_gate_flush(gate)) {
        written = BIO_write(BIO_next(bio), in, len);
        BIO_copy_next_retry(bio);
    } else {
        BIO_copy_next_retry(bio);
        written = -1;
    }
    if (!gate->is_keeping || (written <= 0 && !BIO_should_retry(bio)))
        return written;
    written = written < 0 ? 0 : written;
    BIO_clear_retry_flags(bio);
    return keep(gate, in + written, (size_t)(len - written)) ? len : -1;
}

static int read_through(BIO *bio, char *out, int cap)
{
    const struct ratls_gate *gate = BIO_get_data(bio);
    int len;

    BIO_clear_retry_flags(bio);
    if (!is_open(gate))
        return -1;
    len = BIO_read(BIO_next(bio), out, cap);
    BIO_copy_next_retry(bio);
    return len;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    const struct ratls_gate *gate = BIO_get_data(bio);
    long result;

    if (BIO_next(bio) == NULL || command == BIO_CTRL_DUP)
        return 0;
    if (command == BIO_CTRL_EOF && (gate == NULL || !gate->is_inside))
        return 0; /* a shut gate is not the end: OpenSSL would never read again */
    result = BIO_ctrl(BIO_next(bio), command, number, pointer);
    if (command == BIO_CTRL_FLUSH || command == BIO_C_DO_STATE_MACHINE) {
        BIO_clear_retry_flags(bio);
        BIO_copy_next_retry(bio);
    }
    return result;
}

static pthread_mutex_t method_lock = PTHREAD_MUTEX_INITIALIZER;
static BIO_METHOD *method; /* one for the process, as OpenSSL's own: BIOs may outlive everybody */

/*
 * Without an index of its own: nobody searches for a gate, and in OpenSSL 3.0 BIO_get_new_index()
 * fails for ever once it was short of memory.
 */
static BIO_METHOD *make_method(void)
{
    BIO_METHOD *made = BIO_meth_new(BIO_TYPE_FILTER, "ratls gate");

    if (made != NULL)
        (void)(BIO_meth_set_write(made, write_through) && BIO_meth_set_read(made, read_through) &&
               BIO_meth_set_ctrl(made, control));
    return made;
}

/* Not by pthread_once(): a moment without memory must not last for the life of the process. */
static const BIO_METHOD *get_method(void)
{
    const BIO_METHOD *made;

    pthread_mutex_lock(&method_lock);
    if (method == NULL)
        method = make_method();
    made = method;
    pthread_mutex_unlock(&method_lock);
    return made;
}

/* A gate above a BIO of which it takes a reference. */
static BIO *push_gate(struct ratls_gate *gate, BIO *transport)
{
    const BIO_METHOD *gates = get_method();
    BIO *bio = gates == NULL ? NULL : BIO_new(gates);

    if (bio == NULL || !BIO_up_ref(transport)) {
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, gate);
    BIO_set_init(bio, 1);
    return BIO_push(bio, transport);
}

/* Those of the gate; the SSL has the first one of each. */
static bool add_references(BIO *in, BIO *out)
{
    if (!BIO_up_ref(in))
        return false;
    if (BIO_up_ref(out) && (in != out || BIO_up_ref(in)))
        return true;
    BIO_free(in);
    return false;
}

bool ratls_gate_install(struct ratls_gate *gate, SSL *ssl)
{
    BIO *in = SSL_get_rbio(ssl);
    BIO *out = SSL_get_wbio(ssl);
    BIO *above_in;
    BIO *above_out;

    above_in = push_gate(gate, in);
    above_out = in == out ? above_in : push_gate(gate, out);
    if (above_in == NULL || above_out == NULL || !add_references(above_in, above_out)) {
        BIO_free_all(above_in);
        if (above_out != above_in)
            BIO_free_all(above_out);
        return false;
    }
    gate->ssl = ssl;
    gate->transport = out;
    gate->in = above_in;
    gate->out = above_out;
    SSL_set0_rbio(ssl, above_in);
    SSL_set0_wbio(ssl, above_out);
    gate->shutdown = SSL_get_shutdown(ssl);
    ratls_gate_leave(gate);
    return true;
}

void ratls_gate_enter(struct ratls_gate *gate)
{
    SSL_set_shutdown(gate->ssl, gate->shutdown);
    gate->is_inside = true;
}

void ratls_gate_leave(struct ratls_gate *gate)
{
    gate->is_inside = false;
    gate->shutdown = SSL_get_shutdown(gate->ssl);
    SSL_set_shutdown(gate->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static void leave_shut(BIO *bio)
{
    BIO_set_data(bio, NULL);
    BIO_free(bio);
}

void ratls_gate_free(struct ratls_gate *gate)
{
    leave_shut(gate->in);
    leave_shut(gate->out);
    free(gate->kept);
    gate->kept = NULL;
    gate->kept_len = gate->kept_cap = 0;
}
