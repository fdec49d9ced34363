/*
 * An enrolment from end to end, with a CA and a TPM that are none: what is asked, what is kept, and
 * what is done of each answer.
 */
#include "enroll_run_scene.h"

static void expect_refused(struct scene *s, const char *words)
{
    cr_assert_eq(run(s, 1), RATLS_OK, "%s", s->err.text);
    cr_assert_eq(s->ended.end, RATLS_ENROLL_REFUSED);
    cr_assert_not_null(strstr(s->ended.words, words), "%s", s->ended.words);
    cr_assert_not(is_kept(s, "request"));
    cr_assert_not(is_kept(s, "challenge"));
}

Test(enroll, at_once)
{
    struct scene *s = new_scene();

    expect_installed(s);
    cr_assert_eq(s->ca->issued, 1);
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_REQUEST], 1);
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_ANSWER], 1);
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_POLL] + s->ca->asked[FAKE_SERVICE_RESULT], 0);
    cr_assert_eq(s->waits, 0);
    free_scene(s);
}

Test(enroll, waits_for_an_approval)
{
    struct scene *s = new_scene();

    s->ca->polls = 3;
    expect_installed(s);
    cr_assert_eq(s->waits, 3);
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_POLL], 3);
    free_scene(s);
}

/* The next one goes on with the same request: it may have been approved meanwhile. */
Test(enroll, keeps_what_waits)
{
    struct scene *s = new_scene();

    s->ca->polls = 100;
    cr_assert_eq(run(s, 2), RATLS_OK, "%s", s->err.text);
    cr_assert_eq(s->ended.end, RATLS_ENROLL_WAITING);
    cr_assert(is_kept(s, "request"));
    s->ca->polls = 0;
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 1);
    free_scene(s);
}

Test(enroll, refused)
{
    static const char refusal[] =
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: 16\r\n\r\n{\"detail\":\"no!\"}";
    struct scene *s = new_scene();

    s->ca->refusal[FAKE_SERVICE_REQUEST] = refusal;
    expect_refused(s, "no! (HTTP status 403)");
    s->ca->refusal[FAKE_SERVICE_REQUEST] = NULL;
    s->ca->polls = 1;
    s->ca->refusal[FAKE_SERVICE_POLL] = refusal;
    expect_refused(s, "no!");
    s->ca->polls = 0;
    s->ca->refusal[FAKE_SERVICE_ANSWER] = refusal;
    expect_refused(s, "no!");
    s->ca->refusal[FAKE_SERVICE_ANSWER] = NULL;
    expect_installed(s);
    free_scene(s);
}

/* What is no CA says nothing of a request: it is kept. */
Test(enroll, no_ca)
{
    static const char *const pages[] = {
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    };
    struct scene *s = new_scene();

    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        s->ca->refusal[FAKE_SERVICE_REQUEST] = pages[i];
        expect_fails(s, RATLS_IO, "not the service of a ratls CA");
        cr_assert(is_kept(s, "request"));
    }
    s->ca->refusal[FAKE_SERVICE_REQUEST] =
        "HTTP/1.1 500 Oh\r\nContent-Type: application/problem+json\r\nContent-Length: 15\r\n\r\n"
        "{\"title\":\"Oh.\"}";
    expect_fails(s, RATLS_IO, "Oh. (HTTP status 500)");
    s->ca->refusal[FAKE_SERVICE_REQUEST] =
        "HTTP/1.1 404 No\r\nContent-Type: application/problem+json\r\nContent-Length: 15\r\n\r\n"
        "{\"title\":\"No.\"}";
    expect_fails(s, RATLS_IO, "is the URL right?");
    cr_assert(is_kept(s, "request"));
    s->ca->refusal[FAKE_SERVICE_REQUEST] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.ratls.enroll+cbor\r\n"
        "Content-Length: 2\r\n\r\nhi";
    expect_fails(s, RATLS_MALFORMED, "neither a challenge nor a result");
    s->ca->refusal[FAKE_SERVICE_REQUEST] = NULL;
    expect_installed(s);
    cr_assert_eq(nonce, 1);
    free_scene(s);
}

Test(enroll, challenge_of_another)
{
    struct scene *s = new_scene();

    s->ca->mixes_up = true;
    expect_fails(s, RATLS_MALFORMED, "of another");
    cr_assert_not(is_kept(s, "challenge"));
    s->ca->mixes_up = false;
    expect_installed(s);
    free_scene(s);
}

static void count_busy(void *arg, const char *words)
{
    unsigned *count = arg;

    cr_expect_not_null(strstr(words, "HTTP status 429"), "%s", words);
    ++*count;
}

/* Of what a CA is too busy for, it is asked again; and a web server before it may lose it. */
Test(enroll, busy)
{
    static const char busy[] =
        "HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    static const char away[] = "HTTP/1.1 503 Away\r\nRetry-After: 1\r\nContent-Type: "
                               "text/html\r\nContent-Length: 0\r\n\r\n";
    struct scene *s = new_scene();
    unsigned told = 0;

    s->enroll.client.busy = count_busy;
    s->enroll.client.busy_arg = &told;
    s->ca->refusal[FAKE_SERVICE_REQUEST] = busy;
    s->ca->refusals[FAKE_SERVICE_REQUEST] = 2;
    s->ca->refusal[FAKE_SERVICE_ANSWER] = away;
    s->ca->refusals[FAKE_SERVICE_ANSWER] = 1;
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 1);
    cr_assert_eq(told, 1);
    s->ca->refusal[FAKE_SERVICE_REQUEST] = away;
    expect_fails(s, RATLS_IO, "HTTP status 503: the web server is there");
    cr_assert(is_kept(s, "request"));
    cr_assert(s->enroll.client.may_pass);
    /* The CA is there again: what fails now is no matter of waiting. */
    s->ca->refusals[FAKE_SERVICE_REQUEST] = 1;
    s->ca->mixes_up = true;
    cr_assert_eq(run(s, 20), RATLS_MALFORMED, "%s", s->err.text);
    cr_assert_not_null(strstr(s->err.text, "of another"), "%s", s->err.text);
    cr_assert_not(s->enroll.client.may_pass);
    free_scene(s);
}

Test(enroll, lost_replies)
{
    struct scene *s = new_scene();

    s->ca->loses = FAKE_SERVICE_ANSWER;
    expect_installed(s);
    cr_assert_eq(s->ca->issued, 1);
    cr_assert_eq(s->ca->requests, 1);
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_RESULT], 1);
    s->ca->loses = FAKE_SERVICE_REQUEST;
    expect_fails(s, RATLS_IO, "Empty reply");
    cr_assert(is_kept(s, "request"));
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 2);
    free_scene(s);
}

Test(enroll, late)
{
    struct scene *s = new_scene();

    s->ca->is_late_once = true;
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 2);
    s->ca->is_late = true;
    expect_fails(s, RATLS_IO, "has ended 3 requests");
    cr_assert_eq(s->ca->requests, 5);
    free_scene(s);
}

/* Neither a challenge nor a wait is an answer to an answer: it could go on so for ever. */
Test(enroll, never_ends, .timeout = 30)
{
    struct scene *s = new_scene();

    s->ca->asks_again = true;
    expect_fails(s, RATLS_MALFORMED, "neither a certificate nor a refusal");
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_ANSWER], 1);
    s->ca->asks_again = false;
    s->ca->refusal[FAKE_SERVICE_ANSWER] =
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    expect_fails(s, RATLS_MALFORMED, "neither a certificate nor a refusal");
    cr_assert_eq(s->ca->asked[FAKE_SERVICE_ANSWER], 2);
    s->ca->refusal[FAKE_SERVICE_ANSWER] = NULL;
    expect_installed(s);
    free_scene(s);
}

static void leave_waiting(struct scene *s)
{
    s->ca->polls = 100;
    cr_assert_eq(run(s, 1), RATLS_OK, "%s", s->err.text);
    cr_assert_eq(s->ended.end, RATLS_ENROLL_WAITING);
    s->ca->polls = 0;
}

/* What is asked for now counts, not what was asked for once. */
Test(enroll, another_request)
{
    struct scene *s = new_scene();

    leave_waiting(s);
    name_machine(s, 3);
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 2);
    leave_waiting(s);
    ak = "another key";
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 4);
    leave_waiting(s);
    s->enroll.enrolment.token_file = "token";
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 6);
    s->enroll.enrolment.token_file = NULL;
    leave_waiting(s);
    s->enroll.enrolment.ek = "L-2";
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 8);
    s->enroll.enrolment.ek = "L-1";
    leave_waiting(s);
    s->enroll.enrolment.ek = "auto";
    expect_installed(s);
    cr_assert_eq(s->ca->requests, 9);
    free_scene(s);
}
