/* The report as text and as JSON. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report_scene.h"

TestSuite(report_text, .init = new_report, .fini = free_report);
TestSuite(report_json, .init = new_report, .fini = free_report);

static char *text_of(unsigned flags)
{
    char *text = NULL;

    cr_assert_eq(ratls_report_text(report, flags, &text), RATLS_OK);
    return text;
}

static void expect_contains(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "not found:\n%s\nin:\n%s", part, text);
}

static void expect_lacks(const char *text, const char *part)
{
    cr_expect_null(strstr(text, part), "found:\n%s\nin:\n%s", part, text);
}

static void name_report(const char *server, const char *policy)
{
    ratls_report_put(report, server, RATLS_REPORT_NAME_MAX, &report->server);
    ratls_report_put(report, policy, RATLS_REPORT_NAME_MAX, &report->policy);
}

Test(report_text, accepted)
{
    name_report("bank.example", "policies/bank.yaml");
    ratls_check_not_asked(report, RATLS_CHECK_EVIDENCE_AGE);
    for (int i = 0; i < RATLS_CHECK_COUNT; i++) {
        if (i != RATLS_CHECK_EVIDENCE_AGE)
            ratls_check_uint(report, (enum ratls_check)i, "here", 1, 1);
    }
    char *text = text_of(0);

    cr_expect_eq(strncmp(text, "ACCEPTED  bank.example  policies/bank.yaml\n", 43), 0, "%s", text);
    expect_contains(text,
                    "\n  ok       quote.signature     signed by the attestation key (0x0001)\n");
    expect_contains(
        text, "\n  -        evidence.age        not older than the policy allows (not asked)\n");
    expect_lacks(text, "FAIL");
    expect_lacks(text, "\033");
    free(text);
}

/* A log that the policy does not ask for; a check alone keeps its line, as evidence.age above. */
Test(report_text, log_not_asked)
{
    for (int i = 0; i < RATLS_CHECK_COUNT; i++) {
        if (i >= RATLS_CHECK_IMA_PRESENT || i == RATLS_CHECK_BOOT_KERNEL)
            ratls_check_not_asked(report, (enum ratls_check)i);
        else
            ratls_check_uint(report, (enum ratls_check)i, "here", 1, 1);
    }
    char *text = text_of(0);

    expect_contains(text, "\n  -        ima.*               10 checks (not asked)\n");
    expect_lacks(text, "ima.allow");
    expect_contains(text,
                    "\n  -        boot.kernel         a kernel of the policy was loaded (not");
    expect_contains(text, "\n  ok       boot.firmware");
    free(text);
}

Test(report_text, refused)
{
    name_report("bank.example", "policies/bank.yaml");
    pass_all();
    ratls_check_bytes(report, RATLS_CHECK_PCR_VALUE, "pcrs.sha256[7]", SLICE("\xaa"),
                      SLICE("\xab"));
    char *text = text_of(0);

    expect_contains(text, "REFUSED  bank.example: pcr.value (required: values that the policy "
                          "allows) (1 of 2 wrong)\n");
    expect_contains(
        text, "\n  FAIL     pcr.value           values that the policy allows (1 of 2 wrong)\n"
              "           expected  aa\n"
              "           seen      ab\n"
              "           at        pcrs.sha256[7]\n"
              "           see       policy: pcrs\n");
    free(text);
}

Test(report_text, only_failures)
{
    pass_all();
    ratls_check_uint(report, RATLS_CHECK_QUOTE_MAGIC, "quote.magic", 2, 3);
    char *text = text_of(RATLS_TEXT_FAILURES);

    expect_contains(text, "REFUSED  quote.magic (required: made inside a TPM");
    expect_contains(text, "\n  FAIL     quote.magic");
    expect_lacks(text, "  ok ");
    free(text);
}

Test(report_text, not_completed)
{
    name_report("bank.example", "");
    char *text = text_of(RATLS_TEXT_FAILURES);

    cr_expect_str_eq(text, "REFUSED  bank.example: the appraisal was not completed\n");
    free(text);
}

Test(report_text, colour_only_with_the_flag_and_never_from_a_name)
{
    name_report("\033[32mbank", "");
    char *text = text_of(RATLS_TEXT_COLOUR);

    expect_contains(text, "\033[1;31mREFUSED\033[0m");
    expect_contains(text, "\\x1b[32mbank");
    expect_lacks(text, "\033[32m");
    free(text);
    text = text_of(0);
    expect_lacks(text, "\033");
    free(text);
}

/* A reader of JSON (RFC 8259) without the library's help: returns where the value ends, or NULL. */
static const char *skip_value(const char *s);

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \n\t\r");
}

static const char *skip_string(const char *s)
{
    if (*s++ != '"')
        return NULL;
    for (; *s != '"'; s++) {
        if ((unsigned char)*s < 0x20)
            return NULL;
        if (*s != '\\')
            continue;
        s++;
        if (*s == 'u' && strspn(s + 1, "0123456789abcdefABCDEF") >= 4)
            s += 4;
        else if (*s == '\0' || strchr("\"\\/bfnrt", *s) == NULL)
            return NULL;
    }
    return s + 1;
}

static const char *skip_members(const char *s, char end, bool named)
{
    s = skip_space(s + 1);
    if (*s == end)
        return s + 1;
    for (;;) {
        if (named) {
            s = skip_string(skip_space(s));
            if (s == NULL || *(s = skip_space(s)) != ':')
                return NULL;
            s++;
        }
        s = skip_value(s);
        if (s == NULL)
            return NULL;
        s = skip_space(s);
        if (*s == end)
            return s + 1;
        if (*s++ != ',')
            return NULL;
    }
}

static const char *skip_value(const char *s)
{
    s = skip_space(s);
    if (*s == '{')
        return skip_members(s, '}', true);
    if (*s == '[')
        return skip_members(s, ']', false);
    if (*s == '"')
        return skip_string(s);
    if (strncmp(s, "true", 4) == 0)
        return s + 4;
    if (strncmp(s, "false", 5) == 0)
        return s + 5;
    size_t digits = strspn(s, "0123456789");
    return digits == 0 ? NULL : s + digits;
}

static void expect_json(const char *text)
{
    const char *end = skip_value(text);

    cr_assert_not_null(end, "not JSON:\n%s", text);
    cr_expect_eq(*skip_space(end), '\0', "something after the JSON:\n%s", end);
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

Test(report_json, has_every_check_and_stable_keys)
{
    name_report("bank.example", "policies/bank.yaml");
    pass_all();
    ratls_check_bytes(report, RATLS_CHECK_PCR_VALUE, "pcrs.sha256[7]", SLICE("\xaa"),
                      SLICE("\xab"));
    char *json = NULL;

    cr_assert_eq(ratls_report_json(report, &json), RATLS_OK);
    expect_json(json);
    expect_contains(json, "{\n  \"accepted\": false,\n  \"server\": \"bank.example\",\n"
                          "  \"policy\": \"policies/bank.yaml\",\n  \"note\": \"\",\n");
    expect_contains(json, "{\"name\": \"pcr.value\", \"verdict\": \"fail\", "
                          "\"meaning\": \"values that the policy allows\", "
                          "\"source\": \"policy: pcrs\", \"at\": \"pcrs.sha256[7]\", "
                          "\"expected\": \"aa\", \"actual\": \"ab\", \"failures\": 1}");
    cr_expect_eq(count_of(json, "\"name\": "), RATLS_CHECK_COUNT);
    free(json);
}

Test(report_json, accepted)
{
    pass_all();
    char *json = NULL;

    cr_assert_eq(ratls_report_json(report, &json), RATLS_OK);
    expect_json(json);
    expect_contains(json, "\"accepted\": true");
    free(json);
}

Test(report_json, escapes_every_byte)
{
    char json_name[RATLS_REPORT_NAME_MAX];

    for (size_t i = 0; i < sizeof json_name - 1; i++)
        json_name[i] = (char)(i + 1);
    json_name[sizeof json_name - 1] = '\0';
    name_report(json_name, "quote \" backslash \\ end");
    ratls_check_text(report, RATLS_CHECK_STATEMENT_SERVICE, "\"", "\\", SLICE("\"\\\n"));
    char *json = NULL;

    cr_assert_eq(ratls_report_json(report, &json), RATLS_OK);
    expect_json(json);
    expect_contains(json, "\\u0001\\u0002");
    expect_contains(json, "\"policy\": \"quote \\\" backslash \\\\ end\"");
    for (const char *s = json; *s != '\0'; s++)
        cr_assert((*s >= 0x20 && *s <= 0x7e) || *s == '\n');
    free(json);
}

Test(report_json, the_test_reader_refuses_what_is_not_json)
{
    static const char *const bad[] = {"{",       "{\"a\" 1}", "{\"a\": 1,}", "[1 2]", "\"\n\"",
                                      "\"\\x\"", ""};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_null(skip_value(bad[i]), "%s", bad[i]);
}
