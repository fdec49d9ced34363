/* A BIO over a socket that does not show it, as those of curl and of newer libpq. */
#ifndef RATLS_TEST_HIDDEN_BIO_H
#define RATLS_TEST_HIDDEN_BIO_H

#include <openssl/bio.h>
#include <stdint.h>
#include <unistd.h>

#include "must.h"

static inline int hidden_read(BIO *bio, char *out, int len)
{
    return (int)read((int)(intptr_t)BIO_get_data(bio), out, (size_t)len);
}

static inline int hidden_write(BIO *bio, const char *in, int len)
{
    return (int)write((int)(intptr_t)BIO_get_data(bio), in, (size_t)len);
}

static inline long hidden_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* The method must outlive the BIO; the caller frees it with BIO_meth_free(). */
static inline BIO_METHOD *hidden_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_MEM, "hidden socket");

    must(method != NULL && BIO_meth_set_read(method, hidden_read) &&
         BIO_meth_set_write(method, hidden_write) && BIO_meth_set_ctrl(method, hidden_ctrl));
    return method;
}

static inline BIO *hidden_bio(const BIO_METHOD *method, int fd)
{
    BIO *bio = BIO_new(method);

    must(bio != NULL);
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    return bio;
}

#endif
