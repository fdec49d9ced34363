/* What an update writes into a policy itself: keys, servers and values, in the style that is there.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "additions.h"

#define KEY "000bdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
#define HEX_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX_9 "9999999999999999999999999999999999999999999999999999999999999999"

static struct ratls_error err;

struct addition_case {
    const char *text;
    enum ratls_topic topic;
    const char *name;
    const char *now; /* NULL: it is to be added by hand */
};

#define BLOCK                                                                                      \
    "policy: ratls-1\n"                                                                            \
    "servers:\n  - a.test\n"                                                                       \
    "attestation-keys:\n  - name: " KEY "\n    comment: first\n"                                   \
    "pcrs:\n  - index: 4\n    sha256:\n      - " HEX_1 " # old\n"

#define FLOW(keys, values)                                                                         \
    "policy: ratls-1\nattestation-keys: [{name: " keys "}]\npcrs: [{index: 4, sha256: [" values    \
    "]}]\n"

static const struct addition_case CASES[] = {
    {BLOCK, RATLS_TOPIC_PCR, "sha256 PCR 4", BLOCK "      - " HEX_9 " # why\n"},
    {BLOCK, RATLS_TOPIC_IDENTITY, "attestation key",
     "policy: ratls-1\nservers:\n  - a.test\nattestation-keys:\n  - name: " HEX_9
     " # why\n  - name: " KEY
     "\n    comment: first\npcrs:\n  - index: 4\n    sha256:\n      - " HEX_1 " # old\n"},
    {BLOCK, RATLS_TOPIC_IDENTITY, "server",
     "policy: ratls-1\nservers:\n  - '" HEX_9
     "' # why\n  - a.test\nattestation-keys:\n  - name: " KEY
     "\n    comment: first\npcrs:\n  - index: 4\n    sha256:\n      - " HEX_1 " # old\n"},
    {FLOW(KEY, HEX_1), RATLS_TOPIC_PCR, "sha256 PCR 4", FLOW(KEY, HEX_1 ", " HEX_9)},
    {FLOW(KEY, "'" HEX_1 "'"), RATLS_TOPIC_PCR, "sha256 PCR 4", FLOW(KEY, "'" HEX_1 "', " HEX_9)},
    {FLOW(KEY, HEX_1), RATLS_TOPIC_IDENTITY, "attestation key", NULL},
};

/* A fact of the case: as text, or the same as bytes. */
static void set_missing(const struct addition_case *c, struct ratls_facts *missing)
{
    uint8_t digest[32];
    const struct ratls_fact fact = {.topic = c->topic,
                                    .form = RATLS_FACT_DIGEST,
                                    .pcr = 4,
                                    .name = ratls_slice(c->name, strlen(c->name)),
                                    .value = ratls_slice(digest, sizeof digest)};

    memset(digest, 0x99, sizeof digest);
    if (c->topic == RATLS_TOPIC_PCR)
        cr_assert(eq(int, ratls_facts_add(missing, &fact, &err), RATLS_OK));
    else
        cr_assert(eq(int, ratls_facts_add_text(missing, c->topic, c->name, HEX_9, &err), RATLS_OK));
}

static void expect_case(const struct addition_case *c, const char *path)
{
    struct ratls_additions additions = {.path = path, .comment = "why"};
    enum ratls_status status;
    uint8_t *text = NULL;
    size_t len = 0;

    set_missing(c, &additions.missing);
    status = ratls_additions_edit_policy(&additions, &err);
    if (c->now == NULL) {
        cr_expect(eq(int, status, RATLS_USAGE));
        cr_expect(ne(ptr, strstr(err.text, "add it by hand"), NULL), "%s", err.text);
    } else {
        cr_assert(eq(int, status, RATLS_OK), "%s", err.text);
        cr_assert(eq(sz, additions.edits.count, 1));
        cr_assert(
            eq(int, ratls_edit_apply(&additions.edits.items[0], &text, &len, &err), RATLS_OK));
        text[len] = '\0';
        cr_expect(eq(str, (char *)text, (char *)c->now));
        free(text);
    }
    ratls_additions_done(&additions);
}

Test(tool_additions, in_the_style_of_the_policy)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char path[] = "/tmp/ratls-additions-XXXXXX";
        const int fd = mkstemp(path);
        const size_t len = strlen(CASES[i].text);

        cr_assert(ge(int, fd, 0));
        cr_assert(eq(int, write(fd, CASES[i].text, len) == (ssize_t)len, 1));
        close(fd);
        expect_case(&CASES[i], path);
        unlink(path);
    }
}
