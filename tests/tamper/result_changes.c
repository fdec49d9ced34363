#include "result_changes.h"

#include <string.h>

static struct ratls_slice text(const char *string)
{
    return ratls_slice(string, strlen(string));
}

static void other_profile(struct ratls_result *r)
{
    r->profile = text("tag:github.com,2023:veraison/ear");
}

static void expired(struct ratls_result *r)
{
    r->expires_at = SCENE_NOW;
}

static void without_end(struct ratls_result *r)
{
    r->has_expiry = false;
}

static void of_the_future(struct ratls_result *r)
{
    r->issued_at = SCENE_NOW + 301;
}

static void other_server(struct ratls_result *r)
{
    r->server_name = text("shop.example");
}

static void no_server(struct ratls_result *r)
{
    r->server_name = text("");
}

static void other_service(struct ratls_result *r)
{
    r->service = text("mail");
}

static void other_key(struct ratls_result *r)
{
    static uint8_t name[RATLS_TPM_NAME_MAX];

    memcpy(name, r->ak_name.p, r->ak_name.len);
    name[r->ak_name.len - 1] ^= 1;
    r->ak_name.p = name;
}

static void other_tls_key(struct ratls_result *r)
{
    static uint8_t hash[32];

    memcpy(hash, r->spki_sha256.p, sizeof hash);
    hash[0] ^= 1;
    r->spki_sha256.p = hash;
}

static void other_state(struct ratls_result *r)
{
    static uint8_t digest[64];

    memcpy(digest, r->pcr_digest.p, r->pcr_digest.len);
    digest[r->pcr_digest.len - 1] ^= 1;
    r->pcr_digest.p = digest;
}

static void fewer_pcrs(struct ratls_result *r)
{
    r->selection.banks[0].pcrs = 0x7f;
}

static void other_bank(struct ratls_result *r)
{
    r->selection.banks[0].hash_alg = RATLS_ALG_SHA384;
}

static void earlier_boot(struct ratls_result *r)
{
    r->reset_count--;
}

static void before_suspend(struct ratls_result *r)
{
    r->restart_count++;
}

static void warning(struct ratls_result *r)
{
    r->status = RATLS_TIER_WARNING;
    r->trust[RATLS_TRUST_FILE_SYSTEM] = 32;
}

static void contraindicated(struct ratls_result *r)
{
    r->status = RATLS_TIER_CONTRAINDICATED;
}

static void no_status(struct ratls_result *r)
{
    r->status = RATLS_TIER_NONE;
}

static void overstated(struct ratls_result *r)
{
    r->trust[RATLS_TRUST_EXECUTABLES] = 33;
}

static void forged_crypto(struct ratls_result *r)
{
    r->trust[RATLS_TRUST_HARDWARE] = 99;
}

static void (*const changes[])(struct ratls_result *) = {
    [NOTHING_CHANGED] = NULL,
    [OTHER_PROFILE] = other_profile,
    [EXPIRED] = expired,
    [WITHOUT_END] = without_end,
    [OF_THE_FUTURE] = of_the_future,
    [OTHER_SERVER] = other_server,
    [NO_SERVER] = no_server,
    [OTHER_SERVICE] = other_service,
    [OTHER_KEY] = other_key,
    [OTHER_TLS_KEY] = other_tls_key,
    [OTHER_STATE] = other_state,
    [FEWER_PCRS] = fewer_pcrs,
    [OTHER_BANK] = other_bank,
    [EARLIER_BOOT] = earlier_boot,
    [WARNING] = warning,
    [CONTRAINDICATED] = contraindicated,
    [NO_STATUS] = no_status,
    [OVERSTATED] = overstated,
    [FORGED_CRYPTO] = forged_crypto,
    [BEFORE_SUSPEND] = before_suspend,
};

void staple_changed(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct ratls_result result;

    if (stage != FAKE_SIGNED)
        return;
    result = scene_result(draft);
    if (changes[*(int *)arg] != NULL)
        changes[*(int *)arg](&result);
    scene_staple(draft, &result);
}
