#include "facts_ima.h"

#include "fail.h"
#include "ima_boot.h"
#include "tpm_wire.h"

uint16_t ratls_ima_choose_alg(struct ratls_slice list)
{
    static const uint16_t algs[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                    RATLS_ALG_SHA512};

    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        struct ratls_ima_reader reader = ratls_ima_reader(list, algs[i], 0, 0);
        struct ratls_ima_entry entry;

        while (ratls_ima_next(&reader, &entry))
            ;
        if (reader.error.status == RATLS_OK && reader.entries > 0)
            return algs[i];
    }
    return 0;
}

enum ratls_status ratls_facts_of_ima(struct ratls_slice list, uint16_t list_alg,
                                     uint64_t entries_max, struct ratls_facts *facts,
                                     struct ratls_ima_counts *ret_counts, struct ratls_error *err)
{
    struct ratls_ima_reader reader = ratls_ima_reader(list, list_alg, 0, 0);
    struct ratls_ima_counts counts = {.entries = 0};
    enum ratls_status status = RATLS_OK;
    struct ratls_ima_entry entry;

    while (status == RATLS_OK && counts.entries < entries_max && ratls_ima_next(&reader, &entry)) {
        const struct ratls_fact fact = {.topic = RATLS_TOPIC_IMA_ALLOW,
                                        .form = RATLS_FACT_DIGEST,
                                        .pcr = RATLS_IMA_PCR,
                                        .place = entry.number,
                                        .name = entry.path,
                                        .value = entry.file.value,
                                        .is_verity = entry.file.is_verity};

        counts.entries++;
        if (entry.is_violation)
            counts.violations++;
        else if (ratls_ima_is_boot_aggregate(&entry))
            continue;
        else
            status = ratls_facts_add(facts, &fact, err);
        counts.weak += !entry.is_violation &&
                       (entry.file.value.len < RATLS_IMA_DIGEST_MIN || entry.file.is_verity);
    }
    if (status == RATLS_OK && reader.error.status != RATLS_OK)
        return ratls_fail(err, RATLS_MALFORMED, "%s", reader.error.text);
    if (status == RATLS_OK)
        *ret_counts = counts;
    return status;
}
