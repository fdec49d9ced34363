/* A good attestation result, for tests that change one thing in it. */
#ifndef RATLS_TEST_RESULT_SAMPLE_H
#define RATLS_TEST_RESULT_SAMPLE_H

#include <string.h>

#include "result.h"

#define SAMPLE_ISSUED_AT 1800000000
#define SAMPLE_EXPIRES_AT 1800003600

static inline struct ratls_slice sample_text(const char *text)
{
    return ratls_slice(text, strlen(text));
}

/* 64 bytes of a kind, of which a slice may be shorter. */
static inline struct ratls_slice sample_bytes(char kind, size_t len)
{
    static uint8_t bytes[128][64];

    memset(bytes[(unsigned char)kind % 128], kind, 64);
    return ratls_slice(bytes[(unsigned char)kind % 128], len);
}

static inline struct ratls_result sample_result(void)
{
    return (struct ratls_result){
        .profile = sample_text(RATLS_RESULT_PROFILE),
        .issued_at = SAMPLE_ISSUED_AT,
        .has_expiry = true,
        .expires_at = SAMPLE_EXPIRES_AT,
        .developer = sample_text("ratls"),
        .build = sample_text("ratls 0.1.0"),
        .status = RATLS_TIER_AFFIRMING,
        .trust = {2, 0, 3, 0, 0, 0, 0, 0},
        .policy_id = sample_text("sha256:00"),
        .nonce = sample_bytes('n', 32),
        .key = sample_bytes('k', 60),
        .is_ratls = true,
        .server_name = sample_text("bank.example"),
        .service = sample_text("default"),
        .spki_sha256 = sample_bytes('s', 32),
        .has_state = true,
        .ak_name = sample_bytes('a', 34),
        .selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, 0xff}}},
        .pcr_digest = sample_bytes('p', 32),
        .reset_count = 7,
        .restart_count = 9,
    };
}

/* Without what a result need not have. */
static inline struct ratls_result sample_smallest(void)
{
    return (struct ratls_result){
        .profile = sample_text(RATLS_RESULT_PROFILE),
        .issued_at = SAMPLE_ISSUED_AT,
        .developer = sample_text("a"),
        .build = sample_text("b"),
        .status = RATLS_TIER_NONE,
    };
}

#endif
