/* What the values of a policy mean: each mistake with its exact place and words. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "policy_refused.h"

#define AA16 "aaaaaaaaaaaaaaaa"
#define AA64 AA16 AA16 AA16 AA16
#define BB16 "bbbbbbbbbbbbbbbb"
#define BB64 BB16 BB16 BB16 BB16
#define POLICY "policy: ratls-1\n"
#define KEYS "attestation-keys: [{name: 000b" AA64 "}]\n"
#define PCRS "pcrs: [{index: 7, sha256: [" AA64 "]}]\n"
#define PCR(fields) POLICY KEYS "pcrs:\n  - " fields "\n"
#define KEY(fields) POLICY PCRS "attestation-keys:\n  - " fields "\n"
#define WITH(line) POLICY KEYS PCRS line "\n"

static const struct refused refusals[] = {
    /* The schema. */
    {"not a mapping", "- policy\n", "p.yaml:1:1: expected keys with values, got a list"},
    {"one word", "policy\n", "p.yaml:1:1: expected keys with values, got one value"},
    {"unknown key", POLICY "pcr: 1\n", "p.yaml:2:1: pcr: unknown key"},
    {"unknown key of a PCR", PCR("index: 7\n    sha257: []"),
     "p.yaml:5:5: pcrs[0].sha257: unknown key"},
    {"unknown key of a second PCR", PCR("{index: 7, sha256: [" AA64 "]}\n  - {Index: 7}"),
     "p.yaml:5:6: pcrs[1].Index: unknown key"},
    {"SHA-1", PCR("index: 7\n    sha1: []"),
     "p.yaml:5:5: pcrs[0].sha1: unknown key: SHA-1 is not accepted, use sha256"},
    {"no version", KEYS PCRS, "p.yaml:1:1: the key policy is missing"},
    {"other version", "policy: ratls-2\n" KEYS PCRS,
     "p.yaml:1:9: policy: expected ratls-1, the version of this format, got ratls-2"},
    {"no keys", POLICY PCRS, "p.yaml:1:1: the key attestation-keys is missing"},
    {"no PCRs", POLICY KEYS, "p.yaml:1:1: compares nothing: give pcrs, reference-values or boot"},
    {"no index", PCR("sha256: [" AA64 "]"), "p.yaml:4:5: pcrs[0]: the key index is missing"},
    {"empty list of PCRs", POLICY KEYS "pcrs: []\n",
     "p.yaml:3:7: pcrs: an empty list: leave the key out, or say what is meant"},
    {"empty list of keys", POLICY PCRS "attestation-keys: []\n",
     "p.yaml:3:19: attestation-keys: an empty list: leave the key out, or say what is meant"},
    {"empty list of values", PCR("{index: 7, sha256: []}"),
     "p.yaml:4:24: pcrs[0].sha256: an empty list: leave the key out, or say what is meant"},
    {"empty list of servers", WITH("servers: []"),
     "p.yaml:4:10: servers: an empty list: leave the key out, or say what is meant"},
    {"one value for a list", WITH("servers: bank.example"),
     "p.yaml:4:10: servers: expected a list, such as [a, b], got one value"},
    {"nothing for a list", WITH("servers:"),
     "p.yaml:4:9: servers: expected a list, such as [a, b], got one value"},
    {"list for a value", PCR("{index: [7], sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: expected one value, got a list"},
    {"list for a choice", WITH("clock: [safe]"),
     "p.yaml:4:8: clock: expected one word, got a list"},
    {"empty service", WITH("service:"), "p.yaml:4:9: service: expected a value, got nothing"},
    {"empty server", WITH("servers: [a, '']"),
     "p.yaml:4:14: servers[1]: expected a value, got nothing"},
    {"other freshness", WITH("freshness: sesion"),
     "p.yaml:4:12: freshness: expected nonce, epoch or certificate, got sesion"},
    {"freshness of an older version", WITH("freshness: session"),
     "p.yaml:4:12: freshness: expected nonce, epoch or certificate, got session, which is called "
     "nonce now"},
    {"number for a choice", WITH("freshness: 0"),
     "p.yaml:4:12: freshness: expected nonce, epoch or certificate, got 0"},
    {"a TLS key by a wrong word", WITH("tls-key: file"),
     "p.yaml:4:10: tls-key: expected any or tpm, got file"},
    {"software TPMs by a wrong word", WITH("software-tpm: allow"),
     "p.yaml:4:15: software-tpm: expected refuse or insecure-allow, got allow"},
    {"quoted boolean for a choice", WITH("clock: \"true\""),
     "p.yaml:4:8: clock: expected safe or ignored, got true"},
    {"other algorithm", WITH("algorithms: [rsassa, rsa]"),
     "p.yaml:4:22: algorithms[1]: expected ecdsa-p256, ecdsa-p384, ecdsa-p521, rsassa or rsapss, "
     "got rsa"},
    /* Attestation keys. */
    {"neither name nor issuer", KEY("servers: [a]"),
     "p.yaml:4:5: attestation-keys[0]: compares nothing: give name (of one key) or issuer (of "
     "certificates)"},
    {"name and issuer", KEY("{name: 000b" AA64 ", issuer: a.pem}"),
     "p.yaml:4:5: attestation-keys[0]: name or issuer, not both: make it two entries"},
    {"short Name", KEY("name: 000b" AA16),
     "p.yaml:4:11: attestation-keys[0].name: expected the Name of a key: 000b and 64 hex digits "
     "(000c and 96, 000d and 128), got 20 characters"},
    {"Name of another length", KEY("name: 000c" AA64),
     "p.yaml:4:11: attestation-keys[0].name: expected the Name of a key: 000b and 64 hex digits "
     "(000c and 96, 000d and 128), got 68 characters"},
    {"Name with another character", KEY("name: 000g" AA64),
     "p.yaml:4:11: attestation-keys[0].name: expected the Name of a key: 000b and 64 hex digits "
     "(000c and 96, 000d and 128), got 68 characters"},
    {"Name by SHA-1", KEY("name: 0004" AA16 AA16 "aaaaaaaa"),
     "p.yaml:4:11: attestation-keys[0].name: a Name by SHA-1, which is not accepted: make a key "
     "with nameAlg SHA-256"},
    {"same pin twice", KEY("name: 000b" AA64 "\n  - name: 000B" AA64),
     "p.yaml:5:11: attestation-keys[1].name: this key is pinned twice"},
    {"missing issuer", KEY("issuer: /nonexistent/ca.pem"),
     "p.yaml:4:13: attestation-keys[0].issuer: /nonexistent/ca.pem: No such file or directory"},
    {"server outside of the policy",
     POLICY PCRS "servers: [a.example, '*.b.example']\nattestation-keys:\n  - {name: 000b" AA64
                 ", servers: [x.b.example, c.example]}\n",
     "p.yaml:5:105: attestation-keys[0].servers[1]: c.example is not among the servers of this "
     "policy"},
    {"server wider than the policy",
     POLICY PCRS "servers: [a.example]\nattestation-keys:\n  - {name: 000b" AA64
                 ", servers: ['*.example']}\n",
     "p.yaml:5:92: attestation-keys[0].servers[0]: *.example is not among the servers of this "
     "policy"},
    /* PCRs. */
    {"short value", PCR("{index: 7, sha256: [aaa]}"),
     "p.yaml:4:25: pcrs[0].sha256[0]: expected 64 hex digits, got 3"},
    {"long value", PCR("{index: 7, sha256: [" AA64 ", " AA64 "a]}"),
     "p.yaml:4:91: pcrs[0].sha256[1]: expected 64 hex digits, got 65"},
    {"value of another bank", PCR("{index: 7, sha384: [" AA64 "]}"),
     "p.yaml:4:25: pcrs[0].sha384[0]: expected 96 hex digits, got 64"},
    {"value with another character",
     PCR("{index: 7, sha256: [g" AA16 AA16 AA16 "aaaaaaaaaaaaaaa]}"),
     "p.yaml:4:25: pcrs[0].sha256[0]: expected 64 hex digits, got another character"},
    {"same value twice", PCR("{index: 7, sha256: [" AA64 ", " BB64 ", " AA64 "]}"),
     "p.yaml:4:157: pcrs[0].sha256[2]: this value stands in the list twice"},
    {"same value in two cases",
     PCR("{index: 7, sha256: [" BB64 ", BBBBBBBBBBBBBBBB" BB16 BB16 BB16 "]}"),
     "p.yaml:4:91: pcrs[0].sha256[1]: this value stands in the list twice"},
    {"same PCR twice", PCR("{index: 7, sha256: [" AA64 "]}\n  - {index: 7, sha256: [" BB64 "]}"),
     "p.yaml:5:24: pcrs[1].sha256: PCR 7 has values in this bank already: put them in one list"},
    {"no values", PCR("{index: 7, comment: x}"),
     "p.yaml:4:5: pcrs[0]: compares nothing: give allowed values as sha256, sha384 or sha512"},
    {"leading zero", PCR("{index: 07, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: expected a number from 0 to 22 without leading zeros, got 07"},
    {"octal", PCR("{index: 010, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: expected a number from 0 to 22 without leading zeros, got 010"},
    {"hexadecimal", PCR("{index: 0x7, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: expected a number from 0 to 22 without leading zeros, got 0x7"},
    {"sign", PCR("{index: -7, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: expected a number from 0 to 22 without leading zeros, got -7"},
    {"PCR 24", PCR("{index: 24, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: expected a number from 0 to 22, got 24"},
    {"PCR 16", PCR("{index: 16, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: any program can reset PCR 16 and give it the value that it "
     "likes: it proves nothing"},
    {"PCR 23", PCR("{index: 23, sha256: [" AA64 "]}"),
     "p.yaml:4:13: pcrs[0].index: any program can reset PCR 23 and give it the value that it "
     "likes: it proves nothing"},
    /* The rest. */
    {"long service", WITH("service: " AA64 "a"),
     "p.yaml:4:10: service: expected 1 to 64 characters, got 65"},
    {"service beyond ASCII", WITH("service: \xc3\xa9"),
     "p.yaml:4:10: service: expected printable ASCII, got \\xc3\\xa9"},
    {"verdict of more than a day", WITH("max-age: 1441m"),
     "p.yaml:4:10: max-age: longer than 24h: only evidence in a certificate may be (freshness: "
     "certificate)"},
    {"verdict without unit", WITH("max-age: 60"),
     "p.yaml:4:10: max-age: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, got "
     "60"},
    {"renew of nothing", WITH("renew: 0s"),
     "p.yaml:4:8: renew: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, got 0s"},
    {"renew as long as max-age", WITH("max-age: 60s\nrenew: 1m"),
     "p.yaml:5:8: renew: not shorter than max-age: the verdict would end before it is renewed"},
    {"renew of more than a day", WITH("renew: 13h"), "p.yaml:4:8: renew: longer than 12h"},
    {"renew of a certificate", WITH("freshness: certificate\nmax-age: 24h\nrenew: 1h"),
     "p.yaml:6:8: renew: evidence in a certificate is never renewed: not with freshness: "
     "certificate"},
    {"exporter of a certificate", WITH("freshness: certificate\nmax-age: 24h\nbinding: exporter"),
     "p.yaml:6:10: binding: evidence in a certificate is bound to no connection: not with "
     "freshness: certificate"},
    {"other binding", WITH("binding: session"),
     "p.yaml:4:10: binding: expected handshake or exporter, got session"},
    {"no max-age", WITH("freshness: certificate"),
     "p.yaml:4:12: freshness: certificate needs a key max-age, for example max-age: 24h"},
    {"max-age without unit", WITH("freshness: certificate\nmax-age: 24"),
     "p.yaml:5:10: max-age: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, got "
     "24"},
    {"max-age of nothing", WITH("freshness: certificate\nmax-age: 0h"),
     "p.yaml:5:10: max-age: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, got "
     "0h"},
    {"max-age with leading zero", WITH("freshness: certificate\nmax-age: 010h"),
     "p.yaml:5:10: max-age: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, got "
     "010h"},
    {"max-age of years", WITH("freshness: certificate\nmax-age: 3651d"),
     "p.yaml:5:10: max-age: longer than 3650d"},
    {"max-age beyond 64 bits", WITH("freshness: certificate\nmax-age: 99999999999999999999d"),
     "p.yaml:5:10: max-age: expected a whole number and a unit, such as 90s, 30m, 24h or 7d, got "
     "99999999999999999999d"},
    {"same algorithm twice", WITH("algorithms: [rsassa, rsassa]"),
     "p.yaml:4:22: algorithms[1]: stands in this list twice"},
    {"short firmware", WITH("deny-firmware: [aa]"),
     "p.yaml:4:17: deny-firmware[0]: expected 16 hex digits, got aa"},
    {"same firmware twice", WITH("deny-firmware: [" AA16 ", " AA16 "]"),
     "p.yaml:4:35: deny-firmware[1]: stands in this list twice"},
    /* Names of servers. */
    {"same server twice", WITH("servers: [Bank.example, bank.Example]"),
     "p.yaml:4:25: servers[1]: bank.example stands in this list twice"},
    {"wildcard inside", WITH("servers: [\"a.*.example\"]"),
     "p.yaml:4:11: servers[0]: a.*.example: a * stands only for the whole first part, as in "
     "*.example.org"},
    {"wildcard in a part", WITH("servers: [\"a*.example\"]"),
     "p.yaml:4:11: servers[0]: a*.example: a * stands only for the whole first part, as in "
     "*.example.org"},
    {"wildcard alone", WITH("servers: [\"*\"]"),
     "p.yaml:4:11: servers[0]: *: a * stands only for the whole first part, as in *.example.org"},
    {"wildcard of nothing", WITH("servers: [\"*.\"]"),
     "p.yaml:4:11: servers[0]: *.: an empty part between two dots, or a dot at the end"},
    {"final dot", WITH("servers: [bank.example.]"),
     "p.yaml:4:11: servers[0]: bank.example.: an empty part between two dots, or a dot at the end"},
    {"URL", WITH("servers: [\"https://bank.example\"]"),
     "p.yaml:4:11: servers[0]: https://bank.example: neither a name nor an IP address: a port or a "
     "scheme does not belong here"},
    {"port", WITH("servers: [\"bank.example:443\"]"),
     "p.yaml:4:11: servers[0]: bank.example:443: neither a name nor an IP address: a port or a "
     "scheme does not belong here"},
    {"another script", WITH("servers: [b\xc3\xa4nk.example]"),
     "p.yaml:4:11: servers[0]: b\\xc3\\xa4nk.example: a character that names do not have (other "
     "scripts are written as xn--...)"},
    {"space", WITH("servers: [bank example]"),
     "p.yaml:4:11: servers[0]: bank example: a character that names do not have (other scripts are "
     "written as xn--...)"},
    {"hyphen first", WITH("servers: [\"-a.example\"]"),
     "p.yaml:4:11: servers[0]: -a.example: a part that begins or ends with -"},
    {"almost an address", WITH("servers: [192.0.2.010]"),
     "p.yaml:4:11: servers[0]: 192.0.2.010: neither a name nor an IP address"},
    {"long part", WITH("servers: [" AA64 ".example]"),
     "p.yaml:4:11: servers[0]: " AA16 AA16 AA16
     "aaaaaaaaaaaa...: a part longer than 63 characters"},
};

Test(policy_rules, refused)
{
    expect_refused(refusals, sizeof refusals / sizeof *refusals);
}

static const char full[] =
    "policy: ratls-1\n"
    "comment: the whole of it\n"
    "servers: [Bank.example, \"*.bank.example\", 192.0.2.1, \"2001:DB8:0:0::1\"]\n"
    "attestation-keys:\n"
    "  - name: 000b" AA64 "\n"
    "    servers: [www.bank.example]\n"
    "    comment: [any, {thing: else}]\n"
    "  - name: \"000c" BB64 "00000000000000000000000000000000\"\n"
    "pcrs:\n"
    "  - index: 11\n"
    "    sha512: [" AA64 BB64 "]\n"
    "    sha256: [0000000000000000000000000000000000000000000000000000000000000012]\n"
    "    comment: digits only\n"
    "  - {index: 0, sha256: [\"01234567890123456789012345678901234567890123456789012345678901e5\", "
    "01234567890123456789012345678901234567890123456789012345678901e6]}\n"
    "service: web front\n"
    "freshness: certificate\n"
    "max-age: 7d\n"
    "algorithms: [rsassa, ecdsa-p384]\n"
    "clock: ignored\n"
    "software-tpm: insecure-allow\n"
    "tls-key: tpm\n"
    "deny-firmware: [00070002000A0001]\n"
    "deny-keys: [000B" BB64 ", 000b" AA64 "]\n";

Test(policy_rules, every_key)
{
    struct ratls_error err = {0};
    struct ratls_rules r = {0};

    cr_assert(eq(int, ratls_rules_parse("dir/p.yaml", ratls_slice(full, strlen(full)), &r, &err),
                 RATLS_OK),
              "%s", err.text);
    cr_expect(eq(str, r.path, "dir/p.yaml"));
    cr_assert(eq(sz, r.servers.count, 4));
    cr_expect(eq(str, r.servers.names[0], "bank.example"));
    cr_expect(eq(str, r.servers.names[1], "*.bank.example"));
    cr_expect(eq(str, r.servers.names[2], "192.0.2.1"));
    cr_expect(eq(str, r.servers.names[3], "2001:db8::1"));
    cr_assert(eq(sz, r.pin_count, 2));
    cr_expect(eq(sz, r.pins[0].name_len, 34));
    cr_expect(eq(u8, r.pins[0].name[1], 0x0b));
    cr_expect(eq(u8, r.pins[0].name[33], 0xaa));
    cr_assert(eq(sz, r.pins[0].servers.count, 1));
    cr_expect(eq(str, r.pins[0].servers.names[0], "www.bank.example"));
    cr_expect(eq(sz, r.pins[1].name_len, 50));
    cr_expect(eq(sz, r.pins[1].servers.count, 0));
    cr_expect(eq(sz, r.issuer_count, 0));
    cr_assert(eq(sz, r.pcr_count, 3));
    cr_expect(eq(u16, r.pcrs[0].bank, RATLS_ALG_SHA256));
    cr_expect(eq(u8, r.pcrs[0].index, 0));
    cr_assert(eq(sz, r.pcrs[0].count, 2));
    cr_expect(eq(u8, r.pcrs[0].values[1][31], 0xe6));
    cr_expect(eq(u8, r.pcrs[1].index, 11));
    cr_expect(eq(u8, r.pcrs[1].values[0][31], 0x12));
    cr_expect(eq(u16, r.pcrs[2].bank, RATLS_ALG_SHA512));
    cr_expect(eq(u8, r.pcrs[2].values[0][63], 0xbb));
    cr_assert(eq(sz, r.selection.count, 2));
    cr_expect(eq(u16, r.selection.banks[0].hash_alg, RATLS_ALG_SHA256));
    cr_expect(eq(u32, r.selection.banks[0].pcrs, 1u << 0 | 1u << 11));
    cr_expect(eq(u16, r.selection.banks[1].hash_alg, RATLS_ALG_SHA512));
    cr_expect(eq(u32, r.selection.banks[1].pcrs, 1u << 11));
    cr_expect(eq(str, r.service, "web front"));
    cr_expect(eq(int, (int)r.freshness, RATLS_FRESHNESS_CERTIFICATE));
    cr_expect(eq(u64, r.max_age_s, 7 * 86400));
    cr_expect(eq(uint, r.algorithms, RATLS_ALLOW_RSASSA | RATLS_ALLOW_ECDSA_P384));
    cr_expect(eq(int, r.clock_ignored, 1));
    cr_expect(eq(int, r.allows_software, 1));
    cr_expect(eq(int, r.needs_tpm_tls_key, 1));
    cr_assert(eq(sz, r.denied_firmware_count, 1));
    cr_expect(eq(u64, r.denied_firmware[0], 0x00070002000a0001));
    cr_assert(eq(sz, r.denied_keys.count, 2));
    cr_expect(eq(u8, r.denied_keys.items[0].name[33], 0xaa));
    cr_expect(ne(ptr, r.keys, NULL));
    ratls_rules_done(&r);
}

Test(policy_rules, defaults)
{
    static const char text[] = POLICY KEYS PCRS;
    struct ratls_error err = {0};
    struct ratls_rules r = {0};

    cr_assert(
        eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &r, &err), RATLS_OK),
        "%s", err.text);
    cr_expect(eq(sz, r.servers.count, 0));
    cr_expect(eq(str, r.service, "default"));
    cr_expect(eq(int, (int)r.freshness, RATLS_FRESHNESS_NONCE));
    cr_expect(eq(u64, r.max_age_s, 0));
    cr_expect(eq(u64, r.renew_s, 0));
    cr_expect(eq(int, r.needs_exporter, 0));
    cr_expect(eq(uint, r.algorithms, RATLS_ALLOW_ALL));
    cr_expect(eq(int, r.clock_ignored, 0));
    cr_expect(eq(int, r.allows_software, 0));
    cr_expect(eq(int, r.needs_tpm_tls_key, 0));
    cr_expect(eq(sz, r.denied_firmware_count, 0));
    ratls_rules_done(&r);
}

struct duration {
    const char *text;
    uint64_t seconds;
};

Test(policy_rules, durations)
{
    static const struct duration cases[] = {
        {"90s", 90}, {"30m", 1800}, {"24h", 86400}, {"3650d", UINT64_C(3650) * 86400}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        struct ratls_error err = {0};
        struct ratls_rules r = {0};

        snprintf(text, sizeof text, WITH("freshness: certificate\nmax-age: %s"), cases[i].text);
        cr_expect(eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &r, &err),
                     RATLS_OK),
                  "%s", err.text);
        cr_expect(eq(u64, r.max_age_s, cases[i].seconds), "%s", cases[i].text);
        ratls_rules_done(&r);
    }
}

struct verdict {
    const char *text;
    uint64_t max_age_s;
    uint64_t renew_s;
    bool needs_exporter;
};

Test(policy_rules, verdicts)
{
    static const struct verdict cases[] = {
        {WITH("max-age: 24h"), 86400, 0, false},
        {WITH("max-age: 10m\nrenew: 60s"), 600, 60, false},
        {WITH("max-age: 2s\nrenew: 1s"), 2, 1, false},
        {WITH("renew: 60s"), 120, 60, false},
        {WITH("renew: 12h\nbinding: handshake"), 86400, 43200, false},
        {WITH("binding: exporter"), 0, 0, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct verdict *c = &cases[i];
        struct ratls_error err = {0};
        struct ratls_rules r = {0};

        cr_expect(eq(int,
                     ratls_rules_parse("p.yaml", ratls_slice(c->text, strlen(c->text)), &r, &err),
                     RATLS_OK),
                  "%s", err.text);
        cr_expect(eq(u64, r.max_age_s, c->max_age_s), "%s", c->text);
        cr_expect(eq(u64, r.renew_s, c->renew_s), "%s", c->text);
        cr_expect(eq(int, r.needs_exporter, c->needs_exporter), "%s", c->text);
        ratls_rules_done(&r);
    }
}
