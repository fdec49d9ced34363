/*
 * Command lines of a policy that have no wildcard, as they are measured: what boot loaders measured
 * is then found by its digest alone, also where the log has not its text.
 */
#ifndef RATLS_BOOT_LINES_H
#define RATLS_BOOT_LINES_H

#include <ratls/attester.h>

#include "crypto_hasher.h"
#include "pattern.h"

struct ratls_boot_lines {
    uint8_t (*digests)[RATLS_DIGEST_MAX]; /* ascending, filled up with zeros; owned */
    uint64_t *heads;                      /* their first bytes, as numbers; owned */
    size_t count;
};

/*
 * The digests of all exact ones, in each form that GRUB, systemd and Linux' EFI stub have: the text
 * with and without a NUL, in UTF-8 and UTF-16. Ended with ratls_boot_lines_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_boot_lines(const struct ratls_pattern *patterns,
                                                    size_t count, uint16_t bank,
                                                    struct ratls_boot_lines *ret_lines,
                                                    struct ratls_error *err);
void ratls_boot_lines_done(struct ratls_boot_lines *lines); /* leaves it empty */
bool ratls_boot_lines_has(const struct ratls_boot_lines *lines, struct ratls_slice digest);

#endif
