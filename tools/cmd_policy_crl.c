/* ratls policy crl: new revocation lists of the issuers that policies name. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "crl_fetch.h"
#include "fail.h"
#include "options.h"
#include "output.h"

#define DAY_MAX 32

struct arguments {
    const char *url, *tls_ca;
    bool json;
    json_t *lists;
};

static void write_day(int64_t seconds, char out[static DAY_MAX])
{
    const time_t time = (time_t)seconds;
    struct tm tm;

    if (gmtime_r(&time, &tm) == NULL || strftime(out, DAY_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, DAY_MAX, "unreadable");
}

static json_t *describe(const struct ratls_crl_place *place, const char *url, const char *state)
{
    json_t *list = json_object();

    json_object_set_new(list, "file", json_string(place->path));
    json_object_set_new(list, "issuer", json_string(place->issuer_path));
    if (url != NULL)
        json_object_set_new(list, "url", json_string(url));
    json_object_set_new(list, "state", json_string(state));
    return list;
}

static void tell_fetched(struct arguments *a, const struct ratls_crl_fetch *fetch,
                         const struct ratls_crl_fetched *fetched)
{
    char from[DAY_MAX], until[DAY_MAX];
    json_t *list;

    write_day(fetched->from, from);
    write_day(fetched->until, until);
    if (!a->json) {
        printf("%s: %s list %s of %s, valid until %s, of %zu revoked certificates\n",
               fetch->place->path, fetched->is_new ? "replaced by" : "unchanged:",
               fetched->number[0] == '\0' ? "without a number" : fetched->number, from, until,
               fetched->count);
        return;
    }
    list = describe(fetch->place, fetch->url, fetched->is_new ? "replaced" : "unchanged");
    json_object_set_new(list, "number", json_string(fetched->number));
    json_object_set_new(list, "thisUpdate", json_string(from));
    json_object_set_new(list, "nextUpdate", json_string(until));
    json_object_set_new(list, "revoked", json_integer((json_int_t)fetched->count));
    json_array_append_new(a->lists, list);
}

static int tell_failed(struct arguments *a, const struct ratls_crl_fetch *fetch,
                       enum ratls_status status, const struct ratls_error *why)
{
    struct ratls_error err = {0};
    json_t *list =
        describe(fetch->place, fetch->url, status == RATLS_REJECTED ? "refused" : "failed");

    json_object_set_new(list, "detail", json_string(why->text));
    json_array_append_new(a->lists, list);
    status = ratls_fail(&err, status, "%s stays as it is: %s", fetch->place->path, why->text);
    return ratls_out_error(status, &err);
}

/* Who gives no URL brings the list by other means. */
static void tell_passed_over(struct arguments *a, const struct ratls_crl_place *place)
{
    if (!a->json)
        printf("%s: passed over: the policy has no crl-url beside crl\n", place->path);
    json_array_append_new(a->lists, describe(place, NULL, "passed-over"));
}

static int fetch_all(struct arguments *a, const struct ratls_crl_places *places)
{
    int code = RATLS_EXIT_OK;

    for (size_t i = 0; i < places->count; i++) {
        const struct ratls_crl_fetch fetch = {
            .place = &places->items[i],
            .url = a->url != NULL ? a->url : places->items[i].url,
            .tls_ca = a->tls_ca,
            .now = time(NULL),
        };
        struct ratls_crl_fetched fetched;
        struct ratls_error why = {0};
        enum ratls_status status;
        int one = RATLS_EXIT_OK;

        if (fetch.url == NULL) {
            tell_passed_over(a, fetch.place);
            continue;
        }
        status = ratls_crl_fetch(&fetch, &fetched, &why);
        if (status == RATLS_OK)
            tell_fetched(a, &fetch, &fetched);
        else
            one = tell_failed(a, &fetch, status, &why);
        code = one > code ? one : code;
    }
    return code;
}

static enum ratls_status check_places(const struct arguments *a,
                                      const struct ratls_crl_places *places,
                                      struct ratls_error *err)
{
    size_t urls = 0;

    for (size_t i = 0; i < places->count; i++)
        urls += places->items[i].url != NULL;
    if (places->count == 0)
        return ratls_fail(err, RATLS_USAGE, "no issuer in these policies has a list (crl: FILE)");
    if (a->url != NULL && places->count > 1)
        return ratls_fail(err, RATLS_USAGE,
                          "--url is for a policy with one list, and there are %zu: write crl-url "
                          "beside each crl",
                          places->count);
    if (a->url == NULL && urls == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "nothing says where the list is: write crl-url beside crl in the policy, "
                          "or give --url");
    return RATLS_OK;
}

static int run(struct arguments *a, int count, char **policies)
{
    struct ratls_crl_places places = {0};
    struct ratls_error err = {0};
    enum ratls_status status = RATLS_OK;
    int code;

    for (int i = 0; status == RATLS_OK && i < count; i++)
        status = ratls_crl_places_add(&places, policies[i], &err);
    if (status == RATLS_OK)
        status = check_places(a, &places, &err);
    if (status == RATLS_OK) {
        a->lists = json_array();
        code = fetch_all(a, &places);
        if (a->json) {
            json_t *all = json_pack("{s:O}", "lists", a->lists);

            json_dumpf(all, stdout, JSON_INDENT(2));
            putchar('\n');
            json_decref(all);
        }
        json_decref(a->lists);
    } else {
        code = ratls_out_error(status, &err);
    }
    ratls_crl_places_done(&places);
    return code;
}

int ratls_cmd_policy_crl(int argc, char **argv)
{
    struct arguments a = {0};
    const struct ratls_option rows[] = {
        {"url", RATLS_OPTION_TEXT, &a.url, "URL",
         "where the list is: https://..., or unix:/SOCKET:/PATH; default: crl-url of the policy"},
        {"tls-ca", RATLS_OPTION_TEXT, &a.tls_ca, "FILE",
         "who certifies the web server of https://, instead of the system's CAs (PEM)"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] POLICY...",
        .about = "Fetches the lists of revoked certificates of the issuers in policies (files, or\n"
                 "folders of them), and puts each in its place if the issuer signed it, it is\n"
                 "valid now, and it is newer than the one that is there. Programs that run read\n"
                 "it when it is there.",
        .example = "  ratls policy crl /etc/ratls/policies",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (first == argc)
        return ratls_usage("name one or more policies");
    return run(&a, argc - first, argv + first);
}
