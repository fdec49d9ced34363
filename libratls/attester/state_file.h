/* Writing what is in a state folder. All of it is secret, or decides what a server says of itself.
 */
#ifndef RATLS_ATTESTER_STATE_FILE_H
#define RATLS_ATTESTER_STATE_FILE_H

#include <sys/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_STATE_FILE_MODE 0640

/* With mode 0750; one that is there already must not be open to everyone (ak_state.h). */
RATLS_MUST_CHECK enum ratls_status ratls_state_folder_make(const char *folder,
                                                           struct ratls_error *err);
/* The names of the files are only then on the disk. */
RATLS_MUST_CHECK enum ratls_status ratls_state_folder_sync(const char *folder,
                                                           struct ratls_error *err);

/* A reader sees the old content or the new one, also after a crash. */
RATLS_MUST_CHECK enum ratls_status ratls_state_file_write(const char *path,
                                                          struct ratls_slice content, mode_t mode,
                                                          struct ratls_error *err);
/* Writes a file that must not be there yet: RATLS_USAGE if it is. */
RATLS_MUST_CHECK enum ratls_status ratls_state_file_create(const char *path,
                                                           struct ratls_slice content, mode_t mode,
                                                           struct ratls_error *err);
/* One that is not there is no error. */
RATLS_MUST_CHECK enum ratls_status ratls_state_file_remove(const char *path,
                                                           struct ratls_error *err);

#endif
