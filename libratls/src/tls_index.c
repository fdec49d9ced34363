#include "tls_index.h"

#include <stddef.h>

/* Not by pthread_once(): a moment without memory must not last for the life of the process. */
int ratls_tls_index(struct ratls_tls_index *index)
{
    int value = atomic_load(&index->value);

    if (value >= 0)
        return value;
    pthread_mutex_lock(&index->lock);
    value = atomic_load(&index->value);
    if (value < 0) {
        value = CRYPTO_get_ex_new_index(index->class_index, 0, NULL, index->see, index->dup,
                                        index->free);
        atomic_store(&index->value, value);
    }
    pthread_mutex_unlock(&index->lock);
    return value;
}
