/* ratls_rules_parse(): a policy is refused with file, line and column, or compares something. */
#include <stdlib.h>
#include <string.h>

#include "policy_load.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char path[] = "/nonexistent/p.yaml"; /* and the files that it names */
    struct ratls_error err = {0};
    struct ratls_rules rules = {0};

    if (ratls_rules_parse(path, ratls_slice(data, size), &rules, &err) != RATLS_OK) {
        require(strncmp(err.text, path, strlen(path)) == 0 && strchr(err.text, '\n') == NULL);
        return 0;
    }
    require(rules.pin_count + rules.issuer_count > 0);
    require(rules.pcr_count > 0 || rules.boot.pcrs != 0);
    require(ratls_selection_valid(&rules.selection));
    for (size_t i = 0; i < rules.pcr_count; i++)
        require(rules.pcrs[i].count > 0 && ratls_tpm_hash_len(rules.pcrs[i].bank) >= 32);
    require(rules.service[0] != '\0' && rules.algorithms != 0);
    require(rules.freshness != RATLS_FRESHNESS_CERTIFICATE || rules.max_age_s > 0);
    require(rules.renew_s == 0 || rules.renew_s < rules.max_age_s);
    ratls_rules_done(&rules);
    return 0;
}
