/*
 * Targets: ratls_ima_reader, ratls_ima_next, ratls_ima_layout, ratls_ima_take_field,
 * ratls_ima_field, ratls_ima_signature_read, ratls_ima_replay_all, ratls_ima_replay_until. The
 * first byte says which hash the digests of the list are of.
 */
#include "fuzz.h"
#include "ima_replay.h"
#include "ima_signature.h"

static const uint16_t ALGS[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                RATLS_ALG_SHA512};

#define ALG_COUNT (sizeof ALGS / sizeof *ALGS)

static void check_inside(struct ratls_slice part, struct ratls_slice whole)
{
    FUZZ_CHECK(part.len == 0 || (part.p >= whole.p && part.len <= whole.len &&
                                 (size_t)(part.p - whole.p) <= whole.len - part.len));
}

static void check_path(const struct ratls_ima_entry *entry)
{
    const uint32_t any = 1u << RATLS_IMA_N | 1u << RATLS_IMA_N_NG;

    FUZZ_CHECK(entry->path.len <= RATLS_IMA_PATH_MAX);
    FUZZ_CHECK((entry->path.len > 0) == ((entry->present & any) != 0));
    for (size_t i = 0; i < entry->path.len; i++)
        FUZZ_CHECK(entry->path.p[i] != '\0');
}

static void check_digest(const struct ratls_ima_digest *digest)
{
    FUZZ_CHECK(digest->value.len == 0 || digest->value.len == ratls_ima_hash_len(digest->hash));
}

/* Of a signature that is read, the header and the value are all there is. */
static void check_signature(struct ratls_slice xattr)
{
    struct ratls_ima_signature signature;

    if (ratls_ima_signature_read(xattr, &signature) != NULL)
        return;
    check_inside(signature.value, xattr);
    FUZZ_CHECK(signature.key_id.len == RATLS_SIGNER_ID_LEN && signature.value.len > 0);
    FUZZ_CHECK(signature.value.p + signature.value.len == xattr.p + xattr.len);
}

static void check_entry(const struct ratls_ima_entry *entry, struct ratls_slice list)
{
    struct ratls_slice whole = ratls_slice(list.p + entry->offset, entry->len);
    size_t content = 0;

    check_inside(whole, list);
    check_inside(entry->digest, whole);
    check_inside(entry->template_name, whole);
    check_inside(entry->data, whole);
    check_inside(entry->path, whole);
    FUZZ_CHECK(entry->pcr < RATLS_PCR_COUNT && entry->data.len <= RATLS_IMA_DATA_MAX);
    FUZZ_CHECK(entry->present != 0);
    for (unsigned i = 0; i < RATLS_IMA_FIELD_COUNT; i++) {
        bool is_present = (entry->present & 1u << i) != 0;
        struct ratls_slice field = ratls_ima_field(entry, i);

        check_inside(field, entry->is_plain ? whole : entry->data);
        FUZZ_CHECK(is_present || field.len == 0);
        content += is_present ? sizeof(uint32_t) + field.len : 0;
    }
    /* The fields and their lengths are all there is: nothing overlaps, nothing is left. */
    FUZZ_CHECK(entry->is_plain || content == entry->data.len);
    check_path(entry);
    check_signature(ratls_ima_field(entry, RATLS_IMA_SIG));
    check_digest(&entry->file);
    check_digest(&entry->without_modsig);
}

/* The walk borrows: it allocates nothing. */
static uint64_t walk(struct ratls_slice list, uint16_t alg)
{
    unsigned long before = fuzz_allocations();
    struct ratls_ima_reader r = ratls_ima_reader(list, alg, 0, 0);
    struct ratls_ima_entry entry;

    while (ratls_ima_next(&r, &entry)) {
        check_entry(&entry, list);
        FUZZ_CHECK(entry.offset + entry.len == r.offset && entry.number == r.entries);
    }
    FUZZ_CHECK(r.error.status == RATLS_OK ? r.offset == list.len : r.error.text[0] != '\0');
    FUZZ_CHECK(fuzz_allocations() == before);
    return r.entries;
}

/* To the end, and until the value at the end, in no mode told: the same prefix. */
static void replay(struct ratls_slice list, uint16_t alg, uint64_t entries,
                   enum ratls_ima_mode mode)
{
    struct ratls_ima_state state;
    struct ratls_ima_replay whole, part;
    enum ratls_status status;
    bool is_found = false;

    if (ratls_ima_state_init(alg, RATLS_ALG_SHA256, mode, &state, NULL) != RATLS_OK)
        return; /* padded digests of such a list */
    FUZZ_CHECK(ratls_ima_replay_open(&state, &whole, NULL) == RATLS_OK);
    FUZZ_CHECK(ratls_ima_state_init(alg, RATLS_ALG_SHA256, RATLS_IMA_EITHER, &state, NULL) ==
               RATLS_OK);
    FUZZ_CHECK(ratls_ima_replay_open(&state, &part, NULL) == RATLS_OK);
    status = ratls_ima_replay_all(&whole, list, NULL);
    FUZZ_CHECK(status == RATLS_OK || status == RATLS_MALFORMED || status == RATLS_LIMIT);
    FUZZ_CHECK((status == RATLS_OK) == (whole.state.offset == list.len));
    FUZZ_CHECK(whole.state.entries <= entries && whole.state.violations <= whole.state.entries);
    if (whole.state.entries > 0) {
        status = ratls_ima_replay_until(&part, list, ratls_ima_pcr(&whole.state), &is_found, NULL);
        FUZZ_CHECK(status == RATLS_OK && is_found && part.state.mode == mode);
        FUZZ_CHECK(part.state.offset == whole.state.offset &&
                   part.state.entries == whole.state.entries);
    }
    ratls_ima_replay_close(&part);
    ratls_ima_replay_close(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_slice list;
    uint64_t entries;
    uint16_t alg;

    if (size == 0)
        return 0;
    alg = ALGS[data[0] % ALG_COUNT];
    list = ratls_slice(data + 1, size - 1);
    entries = walk(list, alg);
    replay(list, alg, entries, RATLS_IMA_NATIVE);
    replay(list, alg, entries, RATLS_IMA_PADDED);
    return 0;
}
