/* freshness: epoch, and the authorities that a policy believes the time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pki.h"
#include "policy_folder.h"
#include "policy_lint.h"
#include "policy_refused.h"

#define TSA_EKU "critical,timeStamping"
#define DAYS(n) ((n)*INT64_C(86400))
#define PCR(i) "{index: " i ", sha256: [" AA64 "]}"
#define WITH(lines)                                                                                \
    "policy: ratls-1\nservers: [a.example]\n"                                                      \
    "attestation-keys: [{name: 000b" AA64 "}]\n"                                                   \
    "pcrs: [" PCR("0") "," PCR("1") "," PCR("2") "," PCR("3") "," PCR("4") "," PCR("5") "," PCR(   \
        "6") "," PCR("7") "]\n" lines "\n"
#define EPOCH(keys) WITH("freshness: epoch\nepoch: {" keys "}")

static void write_certificate(const char *path, struct pki_spec spec)
{
    X509 *certificate;

    spec.key = pki_key(PKI_P256);
    certificate = pki_certificate(&spec);
    pki_write_certificate(path, certificate);
    X509_free(certificate);
    EVP_PKEY_free(spec.key);
}

static void enter(void)
{
    policy_folder_enter();
    write_certificate("tsa.pem", (struct pki_spec){.subject = "clock", .eku = TSA_EKU});
    write_certificate("ca.pem", (struct pki_spec){.subject = "CA", .ca = "critical,CA:TRUE"});
    write_certificate("web.pem", (struct pki_spec){.subject = "web", .eku = "serverAuth"});
    write_certificate("old.pem", (struct pki_spec){.subject = "old",
                                                   .eku = TSA_EKU,
                                                   .not_before_s = -DAYS(2),
                                                   .not_after_s = -DAYS(1)});
}

TestSuite(policy_epoch, .init = enter, .fini = policy_folder_leave);

static const struct refused refusals[] = {
    {"epoch without its key", WITH("freshness: epoch"),
     "p.yaml:5:12: freshness: epoch needs a key epoch, for example epoch: {within: 60s, "
     "authorities: [tsa.pem]}"},
    {"key epoch alone", WITH("epoch: {within: 30s, authorities: [tsa.pem]}"),
     "p.yaml:5:8: epoch: compares nothing: only with freshness: epoch are time stamps looked at"},
    {"epoch of two hours", WITH("freshness: epoch\nepoch: {within: 2h, authorities: [tsa.pem]}"),
     "p.yaml:6:17: epoch.within: longer than 1h"},
    {"epoch without unit", WITH("freshness: epoch\nepoch: {within: 60, authorities: [tsa.pem]}"),
     "p.yaml:6:17: epoch.within: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, "
     "got 60"},
    {"epoch of nobody", WITH("freshness: epoch\nepoch: {within: 30s}"),
     "p.yaml:6:8: epoch: the key authorities is missing"},
    {"epoch without end", WITH("freshness: epoch\nepoch: {authorities: [tsa.pem]}"),
     "p.yaml:6:8: epoch: the key within is missing"},
    {"verdict as short as the epoch", EPOCH("within: 60s, authorities: [tsa.pem]") "max-age: 60s\n",
     "p.yaml:7:10: max-age: not longer than epoch.within: a verdict is as old as its time stamp, "
     "and would end before it begins"},
    {"renewal within the epoch", EPOCH("within: 60s, authorities: [tsa.pem]") "renew: 30s\n",
     "p.yaml:7:8: renew: not longer than epoch.within: a verdict is as old as its time stamp, and "
     "would end before it begins"},
    {"no authorities", EPOCH("within: 60s, authorities: []"),
     "p.yaml:6:35: epoch.authorities: an empty list: leave the key out, or say what is meant"},
    {"file that is not there", EPOCH("within: 60s, authorities: [none.pem]"),
     "p.yaml:6:36: epoch.authorities[0]: none.pem: No such file or directory"},
    {"certificate of a web server", EPOCH("within: 60s, authorities: [tsa.pem, web.pem]"),
     "p.yaml:6:35: epoch.authorities: CN=web: neither a CA nor an authority of time stamps "
     "(extended "
     "key usage timeStamping, critical and alone)"},
    {"file twice", EPOCH("within: 60s, authorities: [tsa.pem, tsa.pem]"),
     "p.yaml:6:45: epoch.authorities[1]: this file stands in the list twice"},
    {"unknown key", EPOCH("within: 60s, authority: [tsa.pem]"),
     "p.yaml:6:22: epoch.authority: unknown key"},
};

Test(policy_epoch, refused)
{
    expect_refused(refusals, sizeof refusals / sizeof *refusals);
}

Test(policy_epoch, every_key)
{
    static const char text[] =
        EPOCH("within: 2m, authorities: [tsa.pem, ca.pem], comment: two of them");
    struct ratls_error err = {0};
    struct ratls_rules rules = {0};

    cr_assert(eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &rules, &err),
                 RATLS_OK),
              "%s", err.text);
    cr_expect(eq(int, (int)rules.freshness, RATLS_FRESHNESS_EPOCH));
    cr_expect(eq(u64, rules.epoch.within_s, 120));
    cr_assert(eq(sz, rules.epoch.authorities.count, 2));
    cr_expect(eq(str, rules.epoch.certificates[1].subject, "CN=CA"));
    cr_expect(ne(ptr, rules.epoch.memory, NULL));
    cr_expect(eq(sz, rules.stamp_count, 2)); /* read again when they change */
    cr_expect(eq(u64, rules.max_age_s, 0));
    ratls_rules_done(&rules);
}

static char said[1024];

static void hear(void *self, const char *text)
{
    size_t len = strlen(said);

    (void)self;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

Test(policy_epoch, lint)
{
    static const struct {
        const char *text, *warnings;
    } cases[] = {
        {EPOCH("within: 60s, authorities: [tsa.pem]"), ""},
        {EPOCH("within: 6m, authorities: [tsa.pem]"),
         "p.yaml:6:17: epoch.within: longer than 5 min: what happens to a machine within an epoch "
         "is not "
         "seen\n"},
        {EPOCH("within: 29s, authorities: [tsa.pem]"),
         "p.yaml:6:17: epoch.within: shorter than 30 s, for which servers use a time stamp: they "
         "are "
         "refused now and then\n"},
        {EPOCH("within: 60s, authorities: [old.pem]"),
         "p.yaml:6:35: epoch.authorities: CN=old has expired: none of its time stamps is "
         "accepted\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_error err = {0};

        said[0] = '\0';
        policy_folder_write("p.yaml", cases[i].text);
        cr_expect(eq(int, ratls_policy_lint("p.yaml", hear, NULL, &err), RATLS_OK), "%s", err.text);
        cr_expect(eq(str, said, (char *)cases[i].warnings));
    }
}
