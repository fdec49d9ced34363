#include "vigil_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_MAX 32
#define NAME_SHOWN 8 /* bytes of a Name that tell machines apart */

static void print_time(char out[static TIME_MAX])
{
    const time_t now = time(NULL);
    struct tm utc;

    if (gmtime_r(&now, &utc) == NULL || strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        out[0] = '\0';
}

static void print_json(const struct ratls_vigil *vigil, const struct ratls_vigil_verdict *verdict,
                       const char *when)
{
    const struct ratls_machine *machine = &vigil->machine;
    struct ratls_view v;

    ratls_view_begin(&v, stdout, true, NULL);
    v.one_line = true;
    ratls_view_text(&v, "time", NULL, when);
    ratls_view_text(&v, "kind", NULL, "watch");
    ratls_view_text(&v, "server", NULL, vigil->options.session.server);
    ratls_view_text(&v, "serverName", NULL, vigil->options.session.server_name);
    ratls_view_text(&v, "verdict", NULL, ratls_vigil_end_name(verdict->end));
    ratls_view_bool(&v, "fallen", NULL, ratls_vigil_fallen(verdict->end));
    ratls_view_text(&v, "check", NULL, verdict->check);
    ratls_view_text(&v, "reason", NULL, verdict->reason);
    if (vigil->is_tied) {
        ratls_view_hex(&v, "akName", NULL, ratls_slice(machine->ak_name, machine->ak_name_len));
        ratls_view_uint(&v, "resetCount", NULL, machine->reset_count, NULL);
        ratls_view_uint(&v, "restartCount", NULL, machine->restart_count, NULL);
    }
    ratls_view_end(&v);
}

static void print_text(const struct ratls_vigil *vigil, const struct ratls_vigil_verdict *verdict,
                       const char *when)
{
    const struct ratls_machine *machine = &vigil->machine;
    char name[2 * NAME_SHOWN + 1];

    printf("%s  %-9s  %s", when, ratls_vigil_end_name(verdict->end), vigil->options.session.server);
    if (verdict->end == RATLS_VIGIL_ACCEPTED) {
        ratls_hex(ratls_slice(machine->ak_name, NAME_SHOWN), name, sizeof name);
        printf("  key %s..., boot %u.%u", name, machine->reset_count, machine->restart_count);
    }
    if (verdict->check[0] != '\0')
        printf("  %s:", verdict->check);
    if (verdict->reason[0] != '\0')
        printf(" %s", verdict->reason);
    putchar('\n');
}

void ratls_vigil_line(const struct ratls_vigil *vigil, const struct ratls_vigil_verdict *verdict,
                      bool json)
{
    char when[TIME_MAX];

    print_time(when);
    if (json)
        print_json(vigil, verdict, when);
    else
        print_text(vigil, verdict, when);
    fflush(stdout);
}
