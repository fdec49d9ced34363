/*
 * Logs beside a quote, and logs alone. The PCRs are extended as the logs say, by TPM2_PCR_Extend:
 * what is sent has to lead to values that this TPM quotes.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attester_fixture.h"
#include "boot.h"
#include "boot_log.h"
#include "extend.h"
#include "ima_list.h"

#define SHA256_LEN 32
#define FIRMWARE_PCRS 0x000000ff
#define PCR_IMA_BIT 0x00000400
#define LONG_ENTRY 60000 /* beside a quote and a long boot log it does not fit */
#define LOG_PATH_LEN (PATH_LEN + 16)

static char boot_path[LOG_PATH_LEN], ima_path[LOG_PATH_LEN];
static struct boot_log boot_log;
static struct ima_list ima_list;
static struct ratls_attester *attester;

static void write_file(const char *path, struct ratls_slice bytes)
{
    FILE *stream = fopen(path, "wb");

    cr_assert_not_null(stream, "%s", path);
    cr_assert_eq(fwrite(bytes.p, 1, bytes.len, stream), bytes.len);
    cr_assert_eq(fclose(stream), 0);
}

static struct ratls_attester *open_attester(const char *boot, const char *ima)
{
    const struct ratls_tpm_options options = {
        .state_dir = f.state, .boot_log = boot, .ima_list = ima};
    struct ratls_attester *out = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &out, &err), &err);
    return out;
}

/* What the kernel does: the list and the PCR grow together. */
static void append_ima(uint8_t fill, const char *path)
{
    size_t before = ima_list.len;

    ima_put_ng(&ima_list, fill, path);
    cr_assert(extend_ima_list(f.tpm.tcti, ima_list_slice(&ima_list), before, RATLS_IMA_NATIVE));
    write_file(ima_path, ima_list_slice(&ima_list));
}

static void boot_machine(void)
{
    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    snprintf(boot_path, sizeof boot_path, "%s/boot", f.tpm.folder);
    snprintf(ima_path, sizeof ima_path, "%s/ima", f.tpm.folder);
    boot_log_begin(&boot_log, RATLS_ALG_SHA256, RATLS_ALG_SHA384, "vendor");
    boot_log_put(&boot_log, 0, RATLS_EV_S_CRTM_VERSION, "1.0", 4);
    for (uint32_t pcr = 0; pcr < 8; pcr++)
        boot_log_separator(&boot_log, pcr);
    boot_log_put(&boot_log, 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, "image", 5);
    cr_assert(extend_boot_log(f.tpm.tcti, boot_log_slice(&boot_log)));
    write_file(boot_path, boot_log_slice(&boot_log));
    ima_list.alg = RATLS_ALG_SHA1;
    append_ima(1, "boot_aggregate");
    append_ima(2, "/bin/init");
    attester = open_attester(boot_path, ima_path);
}

static void end_machine(void)
{
    attester->free(attester);
    tear_down();
}

TestSuite(attester_logs, .init = boot_machine, .fini = end_machine);

static struct ratls_attest_request ask_for_logs(void)
{
    struct ratls_attest_request request = new_request(1);

    request.selection.banks[0].pcrs = FIRMWARE_PCRS | PCR_IMA_BIT;
    request.logs.boot_bank = request.logs.ima_bank = RATLS_ALG_SHA256;
    return request;
}

/* PCR 0 to 7, then PCR 10. */
static struct ratls_slice find_pcr(const struct sample *s, unsigned index)
{
    return ratls_slice(s->evidence.pcr_values.p + (size_t)index * SHA256_LEN, SHA256_LEN);
}

static void expect_boot_log(const struct sample *s)
{
    static struct ratls_boot boot;
    struct ratls_eventlog log;

    cr_assert(ratls_eventlog_open(s->evidence.boot_log, RATLS_EVENTLOG_STRICT, &log), "%s",
              log.why);
    cr_assert_eq(ratls_boot_read(&log, RATLS_ALG_SHA256, &boot, NULL), RATLS_OK);
    cr_assert_str_empty(boot.why);
    cr_expect_eq(boot.image_count, 1);
    for (unsigned i = 0; i < 8; i++)
        cr_expect(
            ratls_slice_equal(ratls_slice(boot.replay.pcrs[i].value, SHA256_LEN), find_pcr(s, i)),
            "PCR %u", i);
}

/* Whether a prefix of the list, begun at an offset, leads to the quoted PCR. */
static bool leads_to_pcr(const struct sample *s, uint64_t offset)
{
    struct ratls_ima_replay replay =
        ima_start(s->evidence.ima.list_alg, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    struct ratls_error err = {0};
    bool found = false;

    if (offset > 0)
        cr_assert_eq(ratls_ima_replay_all(&replay, ratls_slice(ima_list.bytes, offset), &err),
                     RATLS_OK);
    cr_assert_eq(
        ratls_ima_replay_until(&replay, s->evidence.ima.entries, find_pcr(s, 8), &found, &err),
        RATLS_OK, "%s", err.text);
    ratls_ima_replay_close(&replay);
    return found;
}

Test(attester_logs, they_lead_to_what_was_quoted)
{
    const struct ratls_attest_request request = ask_for_logs();
    struct sample *s = attest(attester, &request);

    cr_assert(s->evidence.has_quote && s->evidence.has_ima);
    expect_boot_log(s);
    cr_expect_eq(s->evidence.ima.offset, 0);
    cr_expect_eq(s->evidence.ima.total, ima_list.len);
    cr_expect(leads_to_pcr(s, 0));
    free(s);
}

Test(attester_logs, only_what_was_asked_for)
{
    struct ratls_attest_request request = new_request(1);
    struct sample *s = attest(attester, &request);

    cr_expect(s->evidence.boot_log.len == 0 && !s->evidence.has_ima);
    free(s);
    request.logs.boot_bank = RATLS_ALG_SHA384;
    s = attest(attester, &request);
    cr_expect(s->evidence.boot_log.len > 0 && !s->evidence.has_ima);
    free(s);
}

/* An offset of this boot is followed; that of another one, or of another key, is not. */
Test(attester_logs, offset)
{
    static const struct {
        const char *name;
        uint8_t key;
        uint32_t resets, restarts;
        bool is_followed;
    } cases[] = {
        {"this boot", 0, 0, 0, true},
        {"another key", 1, 0, 0, false},
        {"another boot", 0, 1, 0, false},
        {"a boot before the last resume", 0, 0, 1, false},
    };
    struct ratls_attest_request request = ask_for_logs();
    struct sample *s = attest(attester, &request);
    size_t before = ima_list.len;
    uint8_t name[RATLS_TPM_NAME_MAX], digest[32];
    size_t name_len = 0;

    cr_assert_eq(ratls_tpm_name(&s->ak, name, &name_len, NULL), RATLS_OK);
    cr_assert_eq(ratls_sha256(ratls_slice(name, name_len), digest, NULL), RATLS_OK);
    append_ima(3, "/bin/login");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t begin = cases[i].is_followed ? before : 0;
        struct sample *next;

        memcpy(request.logs.ima_key_id, digest, RATLS_KEY_ID_LEN);
        request.logs.ima_key_id[0] ^= cases[i].key;
        request.logs.ima_offset = before;
        request.logs.ima_reset_count = s->attest.reset_count + cases[i].resets;
        request.logs.ima_restart_count = s->attest.restart_count + cases[i].restarts;
        next = attest(attester, &request);
        cr_assert(next->evidence.has_ima, "%s", cases[i].name);
        cr_expect_eq(next->evidence.ima.offset, begin, "%s", cases[i].name);
        cr_expect_eq(next->evidence.ima.entries.len, ima_list.len - begin, "%s", cases[i].name);
        cr_expect(leads_to_pcr(next, begin), "%s", cases[i].name);
        free(next);
    }
    free(s);
}

static struct sample *attest_logs(const struct ratls_attest_request *request)
{
    struct sample *s = calloc(1, sizeof *s);
    struct ratls_error err = {0};

    cr_assert_not_null(s);
    assert_ok(try_attest(attester, request, s, &err), &err);
    cr_assert(ratls_evidence_read(ratls_slice(s->bytes, s->len), &s->evidence));
    return s;
}

/* No TPM is needed for them; whose boot the offset counts in is the client's business. */
Test(attester_logs, logs_alone)
{
    struct ratls_attest_request request = ask_for_logs();
    struct sample *s;

    swtpm_stop(&f.tpm);
    request.selection.count = 0;
    s = attest_logs(&request);
    cr_expect_not(s->evidence.has_quote);
    cr_expect_gt(s->evidence.boot_log.len, 0);
    cr_expect_eq(s->evidence.ima.entries.len, ima_list.len);
    free(s);
    request.logs.boot_bank = 0;
    request.logs.ima_offset = ima_list.len;
    s = attest_logs(&request);
    cr_expect_eq(s->evidence.boot_log.len, 0);
    cr_expect_eq(s->evidence.ima.offset, ima_list.len);
    cr_expect_eq(s->evidence.ima.entries.len, 0);
    free(s);
}

/* Beside a quote there is less room than alone. */
Test(attester_logs, an_entry_that_fits_alone)
{
    static uint8_t text[2000];
    static uint8_t name[LONG_ENTRY];
    struct ratls_attest_request request = ask_for_logs();
    size_t len = 0;
    FILE *stream;
    struct sample *s;

    attester->free(attester);
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 8; i++)
        boot_log_put(&boot_log, 8, RATLS_EV_IPL, text, sizeof text);
    write_file(boot_path, boot_log_slice(&boot_log));
    /* PCR, digest, template of a long name: only the frame of an entry is looked at. */
    memcpy(name, "\x0a\0\0\0", 4);
    len = sizeof name - 4 - 20 - 4 - 4;
    name[24] = (uint8_t)len;
    name[25] = (uint8_t)(len >> 8);
    stream = fopen(ima_path, "wb");
    cr_assert_eq(fwrite(name, 1, sizeof name, stream), sizeof name);
    fclose(stream);
    attester = open_attester(boot_path, ima_path);
    s = attest(attester, &request);
    cr_expect_eq(s->evidence.ima.entries.len, 0);
    cr_expect_eq(s->evidence.ima.total, LONG_ENTRY);
    free(s);
    request.selection.count = 0;
    request.logs.boot_bank = 0;
    s = attest_logs(&request);
    cr_expect_eq(s->evidence.ima.entries.len, LONG_ENTRY);
    free(s);
}

Test(attester_logs, none_to_send)
{
    struct ratls_attest_request request = ask_for_logs();
    struct sample *s;

    attester->free(attester);
    attester = open_attester("/nonexistent/boot", "");
    cr_expect_str_eq(ratls_tpm_log_missing(attester, RATLS_TPM_BOOT_LOG),
                     "/nonexistent/boot: No such file or directory");
    cr_expect_null(ratls_tpm_log_missing(attester, RATLS_TPM_IMA_LIST), "not wanted");
    s = attest(attester, &request);
    cr_expect(s->evidence.has_quote && s->evidence.boot_log.len == 0 && !s->evidence.has_ima);
    free(s);
    request.selection.count = 0;
    assert_attest_fails(attester, &request, RATLS_IO, "there are none to send");
}

Test(attester_logs, requests_that_are_wrong)
{
    struct ratls_attest_request request = ask_for_logs();

    request.mode = RATLS_MODE_CERTIFICATE;
    assert_attest_fails(attester, &request, RATLS_USAGE, "no logs in a certificate");
    request.mode = RATLS_MODE_HANDSHAKE;
    request.selection.count = 0;
    request.logs = (struct ratls_log_request){0};
    assert_attest_fails(attester, &request, RATLS_USAGE, "malformed PCR selection");
}

/* After a fork each process quotes and reads for itself. */
Test(attester_logs, processes)
{
    const struct ratls_attest_request request = ask_for_logs();
    int result = -1;
    pid_t pid;

    free(attest(attester, &request));
    pid = fork();
    if (pid == 0) {
        struct sample *s = calloc(1, sizeof *s);
        struct ratls_error err = {0};
        bool ok = s != NULL && try_attest(attester, &request, s, &err) == RATLS_OK &&
                  is_sound(s, &request) && s->evidence.boot_log.len > 0 &&
                  s->evidence.ima.entries.len == ima_list.len;

        free(s);
        attester->free(attester);
        _exit(ok ? 0 : 1);
    }
    cr_assert_eq(waitpid(pid, &result, 0), pid);
    cr_assert_eq(result, 0);
    free(attest(attester, &request));
}
