#include "spki_memory.h"

#include <string.h>

#include "crypto.h"

bool ratls_spki_memory_init(struct ratls_spki_memory *memory)
{
    *memory = (struct ratls_spki_memory){.next = 0};
    return pthread_mutex_init(&memory->lock, NULL) == 0;
}

void ratls_spki_memory_clear(struct ratls_spki_memory *memory)
{
    for (size_t i = 0; i < RATLS_SPKI_KEPT; i++)
        X509_free(memory->kept[i].certificate);
    pthread_mutex_destroy(&memory->lock);
}

static bool look_up(struct ratls_spki_memory *memory, const X509 *certificate,
                    uint8_t out[static 32])
{
    bool is_found = false;

    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < RATLS_SPKI_KEPT && !is_found; i++) {
        is_found = memory->kept[i].certificate == certificate;
        if (is_found)
            memcpy(out, memory->kept[i].sha256, 32);
    }
    pthread_mutex_unlock(&memory->lock);
    return is_found;
}

/* In the place of the one that came first. */
static void keep(struct ratls_spki_memory *memory, X509 *certificate,
                 const uint8_t sha256[static 32])
{
    X509 *before;

    if (!X509_up_ref(certificate))
        return;
    pthread_mutex_lock(&memory->lock);
    before = memory->kept[memory->next].certificate;
    memory->kept[memory->next].certificate = certificate;
    memcpy(memory->kept[memory->next].sha256, sha256, 32);
    memory->next = (memory->next + 1) % RATLS_SPKI_KEPT;
    pthread_mutex_unlock(&memory->lock);
    X509_free(before);
}

enum ratls_status ratls_spki_memory_find(struct ratls_spki_memory *memory, X509 *certificate,
                                         uint8_t out[static 32], struct ratls_error *err)
{
    enum ratls_status status;

    if (look_up(memory, certificate, out))
        return RATLS_OK;
    status = ratls_spki_sha256(certificate, out, err);
    if (status == RATLS_OK)
        keep(memory, certificate, out);
    return status;
}
