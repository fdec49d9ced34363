/* ratls seal list: the states that were authorised, and what is different now. */
#include <stdio.h>
#include <string.h>

#include "local.h"
#include "local_seals.h"
#include "options.h"
#include "output.h"
#include "seal_command.h"
#include "view.h"

#define SHOWN_DIGITS 16
#define PCR_NAME_MAX 24
#define LINE_TEXT_MAX 400

struct walk {
    const struct ratls_local_seals *seals;
    const struct ratls_local_seal *item;
    struct ratls_view *v;
};

/* One PCR that has another value now. */
static void show_pcr(const struct walk *w, size_t bank, unsigned pcr, size_t offset, size_t len)
{
    const struct ratls_slice now = ratls_slice(w->seals->values + offset, len);
    const struct ratls_slice authorised = ratls_slice(w->item->seal.values.p + offset, len);
    char name[PCR_NAME_MAX], actual[2 * 64 + 1], expected[2 * 64 + 1];

    snprintf(name, sizeof name, "%s:%u",
             ratls_tpm_hash_name(w->seals->selection.banks[bank].hash_alg), pcr);
    if (w->v->json) {
        ratls_view_section(w->v, NULL, name);
        ratls_view_text(w->v, "pcr", NULL, name);
        ratls_view_hex(w->v, "now", NULL, now);
        ratls_view_hex(w->v, "authorised", NULL, authorised);
        ratls_view_section_end(w->v);
        return;
    }
    ratls_hex(now, actual, sizeof actual);
    ratls_hex(authorised, expected, sizeof expected);
    printf("      %-10s now        %s\n      %-10s authorised %s\n", name, actual, "", expected);
}

static void show_differences(const struct walk *w)
{
    const struct ratls_pcr_selection *selection = &w->seals->selection;
    size_t offset = 0;

    for (size_t i = 0; i < selection->count; i++) {
        const size_t len = ratls_tpm_hash_len(selection->banks[i].hash_alg);

        for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
            if ((selection->banks[i].pcrs >> pcr & 1) == 0)
                continue;
            if ((w->item->differing[i] >> pcr & 1) != 0)
                show_pcr(w, i, pcr, offset, len);
            offset += len;
        }
    }
}

static void show_object(const struct walk *w)
{
    const struct ratls_local_seal *item = w->item;

    ratls_view_section(w->v, NULL, item->file);
    ratls_view_text(w->v, "file", NULL, item->file);
    if (item->fault.status != RATLS_OK) {
        ratls_view_text(w->v, "fault", NULL, item->fault.text);
    } else {
        ratls_view_hex(w->v, "policy", NULL, ratls_slice(item->policy, sizeof item->policy));
        ratls_view_slice(w->v, "comment", NULL, item->seal.comment);
        ratls_view_bool(w->v, "fits", NULL, item->differs == 0);
        ratls_view_list(w->v, "differs");
        show_differences(w);
        ratls_view_list_end(w->v);
    }
    ratls_view_section_end(w->v);
}

static void show_text(const struct walk *w)
{
    const struct ratls_local_seal *item = w->item;
    char digits[SHOWN_DIGITS + 1];

    if (item->fault.status != RATLS_OK) {
        printf("! %s\n", item->fault.text);
        return;
    }
    ratls_hex(ratls_slice(item->policy, SHOWN_DIGITS / 2), digits, sizeof digits);
    printf("%c %s  %s%.*s\n", item->differs == 0 ? '*' : ' ', digits,
           item->differs == 0 ? "is now  " : "", (int)item->seal.comment.len,
           item->seal.comment.len == 0 ? "" : (const char *)item->seal.comment.p);
    show_differences(w);
}

/* Whether there is one that fits. */
static bool show_all(const struct ratls_local_seals *seals, bool json)
{
    struct ratls_view v = {.json = false};
    char selection[LINE_TEXT_MAX];
    bool fits = false;

    ratls_tpm_selection_text(seals->selection.banks, seals->selection.count, selection,
                             sizeof selection);
    if (json) {
        ratls_view_begin(&v, stdout, true, NULL);
        ratls_view_text(&v, "sealedTo", NULL, selection);
        ratls_view_hex(&v, "authority", NULL,
                       ratls_slice(seals->authority, sizeof seals->authority));
        ratls_view_list(&v, "states");
    } else {
        printf("Sealed to %s\n", selection);
    }
    for (size_t i = 0; i < seals->count; i++) {
        const struct walk w = {seals, &seals->items[i], &v};

        fits = fits || (w.item->fault.status == RATLS_OK && w.item->differs == 0);
        if (json)
            show_object(&w);
        else
            show_text(&w);
    }
    if (json) {
        ratls_view_list_end(&v);
        ratls_view_bool(&v, "authorised", NULL, fits);
        ratls_view_end(&v);
    } else if (!fits) {
        printf("This machine is in no authorised state: its attestation key cannot be used.\n");
    }
    return fits;
}

int ratls_cmd_seal_list(int argc, char **argv)
{
    const char *state = RATLS_STATE_DEFAULT, *tcti = NULL;
    bool json = false;
    const struct ratls_option rows[] = {
        {"state", RATLS_OPTION_TEXT, &state, "DIR",
         "folder of the key (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &tcti, "CONF", "the TPM, for example device:/dev/tpmrm0"},
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Lists the states in which the attestation key may be used; '*' stands before\n"
                 "that which the machine is in now, and below all others the PCRs that differ.",
        .example = "  ratls seal list",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_local_seals *seals = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    bool fits;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    status = ratls_local_seals_read(state, tcti, &seals, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    fits = show_all(seals, json);
    ratls_local_seals_free(seals);
    return fits ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}
