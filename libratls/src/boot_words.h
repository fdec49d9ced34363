/*
 * What an event of the firmware's log is, in words for people. The PCR of an event holds once the
 * log leads to the quoted values; its type does not, so that these words never decide anything.
 */
#ifndef RATLS_BOOT_WORDS_H
#define RATLS_BOOT_WORDS_H

#include "boot.h"
#include "boot_text.h"

#define RATLS_BOOT_WORDS_MAX 192
#define RATLS_BOOT_COMMAND_MAX 96

struct ratls_boot_words {
    const char *kind; /* by its PCR and type: "image", "option ROM or driver", "file" ... */
    /*
     * Of its data: a command, a version, the name of a variable or of a file, a path. Printable
     * ASCII, cut; empty if there is none.
     */
    char text[RATLS_BOOT_WORDS_MAX];
    bool is_covered; /* by the digest; if not, whoever sent the log may have written the text */
};

/* digest is the event's in the bank of the hasher. */
RATLS_MUST_CHECK enum ratls_status ratls_boot_words(struct ratls_hasher *hasher,
                                                    const struct ratls_event *event,
                                                    struct ratls_slice digest,
                                                    struct ratls_boot_words *ret_words,
                                                    struct ratls_error *err);

/*
 * The first two words of a command of GRUB, if the second is a path; else empty. What GRUB measures
 * next it read or started for that command, as "linux /vmlinuz"; behind any other nobody knows what
 * it reads. That it came behind the command is the log's word alone.
 */
void ratls_boot_command(struct ratls_slice text, char out[static RATLS_BOOT_COMMAND_MAX]);

/* "on", "off" or "unknown". */
const char *ratls_secure_boot_word(enum ratls_secure_boot state);
#endif
