/* What the tool says to people, and how it ends. */
#ifndef RATLS_TOOL_OUTPUT_H
#define RATLS_TOOL_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include <ratls/error.h>

enum ratls_exit {
    RATLS_EXIT_OK = 0,      /* accepted, or done */
    RATLS_EXIT_REFUSED = 1, /* refused by appraisal; lint: it found something */
    RATLS_EXIT_USAGE = 2,   /* wrong usage or policy file */
    RATLS_EXIT_FAILED = 3,  /* could not work: network, TPM, file */
};

/* What stands before every complaint: "ratls probe". */
void ratls_out_command(const char *command);
const char *ratls_out_command_name(void);

/* "ratls probe: …" on stderr. */
void ratls_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "  hint: …" on stderr. */
void ratls_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A complaint about the command line; returns RATLS_EXIT_USAGE. */
int ratls_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The complaint of an error of the library; returns the exit code for it. */
int ratls_out_error(enum ratls_status status, const struct ratls_error *err);

/* A terminal that shows colours, and a user who did not set NO_COLOR (https://no-color.org). */
bool ratls_out_colour(FILE *out);

/* The columns of the terminal that it is; 0 if it is none, and lines may have any length. */
size_t ratls_out_columns(FILE *out);

/* One line on a terminal while something slow runs; done takes it away. */
void ratls_progress(const char *what);
void ratls_progress_done(void);

/* Flushes stdout; RATLS_EXIT_FAILED if what was written did not arrive, else code. */
int ratls_out_close(int code);

#endif
