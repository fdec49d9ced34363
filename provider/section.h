/*
 * How OpenSSL reads lists and sections of providers: for the provider, which reads them once more,
 * and for `ratls check`.
 */
#ifndef RATLS_PROVIDER_SECTION_H
#define RATLS_PROVIDER_SECTION_H

#include <openssl/conf.h>
#include <string.h>

/* `2.module` is `module`, too. */
static inline const char *ratls_section_word(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? name : dot + 1;
}

/* Of what OpenSSL itself looks for there; the last one counts. NULL if there is none. */
static inline const char *ratls_section_find(const STACK_OF(CONF_VALUE) *section, const char *word)
{
    for (int i = sk_CONF_VALUE_num(section); i-- > 0;) {
        const CONF_VALUE *pair = sk_CONF_VALUE_value(section, i);

        if (strcmp(ratls_section_word(pair->name), word) == 0)
            return pair->value;
    }
    return NULL;
}

/* What OpenSSL calls a provider: as the list of providers does, or as its section says. */
static inline const char *ratls_section_provider(const char *listed,
                                                 const STACK_OF(CONF_VALUE) *section)
{
    const char *identity = ratls_section_find(section, "identity");

    return identity == NULL ? ratls_section_word(listed) : identity;
}

#endif
