/* Where time stamps come from, as configurations name it: `epoch` of a server, and of ratlsd. */
#ifndef RATLS_EPOCH_SOURCE_H
#define RATLS_EPOCH_SOURCE_H

#include <stdbool.h>

#define RATLS_EPOCH_SOURCE_MAX 1024 /* with the zero byte: a URL, or a path */

/* What is wrong with it, in words that follow "epoch = ...: "; NULL if nothing is. */
const char *ratls_epoch_source_fault(const char *source);
/* Of one without a fault. */
bool ratls_epoch_source_is_file(const char *source);

#endif
