#include "epoch_source.h"

#include <stddef.h>
#include <string.h>

#define SCHEME "http://"
#define STRING(x) #x
#define VALUE_OF(x) STRING(x)

bool ratls_epoch_source_is_file(const char *source)
{
    return source[0] == '/';
}

const char *ratls_epoch_source_fault(const char *source)
{
    if (strlen(source) >= RATLS_EPOCH_SOURCE_MAX)
        return "must have less than " VALUE_OF(RATLS_EPOCH_SOURCE_MAX) " bytes";
    if (!ratls_epoch_source_is_file(source) && strncmp(source, SCHEME, strlen(SCHEME)) != 0)
        return "must be http://... of a time stamp authority (a time stamp is signed, and needs no "
               "https), or an absolute path";
    return NULL;
}
