/* Where our data hangs on an object of OpenSSL: an ex_data index, made at its first use. */
#ifndef RATLS_TLS_INDEX_H
#define RATLS_TLS_INDEX_H

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>

struct ratls_tls_index {
    int class_index;    /* CRYPTO_EX_INDEX_SSL and so on */
    CRYPTO_EX_new *see; /* of each object that is made from then on */
    CRYPTO_EX_dup *dup;
    CRYPTO_EX_free *free;
    pthread_mutex_t lock;
    atomic_int value; /* -1: not made yet */
};

#define RATLS_TLS_INDEX(class_index, see, dup, free)                                               \
    {                                                                                              \
        class_index, see, dup, free, PTHREAD_MUTEX_INITIALIZER, -1                                 \
    }

/* The index; below 0 if memory is short, and then it is tried again at the next call. */
int ratls_tls_index(struct ratls_tls_index *index);

#endif
