/*
 * Texts that a boot loader measured and logged: commands of GRUB and the command lines of kernels
 * (PCR 8), and the command line as systemd-boot and systemd-stub measure it (PCR 12, older ones 8).
 *
 * Only the text is covered by the digest. GRUB's label before it ("kernel_cmdline", "grub_cmd") is
 * not: who wants to know what a kernel was started with has to allow every text of the PCR.
 */
#ifndef RATLS_BOOT_TEXT_H
#define RATLS_BOOT_TEXT_H

#include "crypto_hasher.h"
#include "eventlog.h"

struct ratls_boot_text {
    bool is_measured;         /* the digest is over the text; if not, there is none */
    bool is_utf16;            /* little-endian */
    struct ratls_slice label; /* a hint of GRUB, not covered by anything; empty if there is none */
    struct ratls_slice text;  /* without its final NUL */
};

/*
 * The text of an event of PCR 8 or 12, whatever its type; digest is the event's in the bank of the
 * hasher.
 */
RATLS_MUST_CHECK enum ratls_status ratls_boot_text(struct ratls_hasher *hasher,
                                                   const struct ratls_event *event,
                                                   struct ratls_slice digest,
                                                   struct ratls_boot_text *ret_text,
                                                   struct ratls_error *err);

/*
 * The text in UTF-8, without an end, as it is compared with a policy. False if it is longer than
 * cap, or no UTF-16.
 */
bool ratls_boot_text_utf8(const struct ratls_boot_text *text, char *out, size_t cap,
                          size_t *ret_len);
#endif
