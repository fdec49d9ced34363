/*
 * What a million reference values cost: to read as text, to map as a compiled file, and to look up,
 * beside the bare SHA-256 of the same text: in turn, in one run, CPU time.
 * Usage: bench_refvals [--rounds N] [--json]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "crypto.h"
#include "refvals.h"
#include "samples.h"

#define COUNT 1000000u
#define LOOK_UPS 200000u
#define NAME_LEN_MAX 64
#define LINE_LEN_MAX 140
#define ROUNDS_DEFAULT 5

static double heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)(info.uordblks + info.hblkhd);
}

struct files {
    uint8_t *text; /* as sha256sum writes it */
    size_t text_len;
    char path[32]; /* compiled */
    size_t compiled_len;
};

/* The value of a number: its digest, with a path as long as those of a distribution. */
struct value {
    uint8_t digest[32];
    char name[NAME_LEN_MAX];
};

static void make_value(unsigned number, struct value *value)
{
    bench_must(ratls_sha256(ratls_slice(&number, sizeof number), value->digest, NULL) == RATLS_OK,
               "no digest");
    snprintf(value->name, sizeof value->name, "/usr/lib/x86_64-linux-gnu/package-%u/lib%u.so",
             number / 100, number);
}

static void make_text(struct files *files)
{
    files->text = malloc((size_t)COUNT * LINE_LEN_MAX);
    bench_must(files->text != NULL, "no memory");
    for (unsigned i = 0; i < COUNT; i++) {
        struct value value;
        char hex[65];

        make_value(i, &value);
        ratls_hex(ratls_slice(value.digest, sizeof value.digest), hex, sizeof hex);
        files->text_len += (size_t)snprintf((char *)files->text + files->text_len, LINE_LEN_MAX,
                                            "%s  %s\n", hex, value.name);
    }
}

static void write_compiled(struct files *files, struct ratls_refvals *set)
{
    uint8_t *bytes;
    FILE *stream;

    bench_must(ratls_refvals_compile(&set, 1, &bytes, &files->compiled_len, NULL) == RATLS_OK,
               "cannot compile");
    snprintf(files->path, sizeof files->path, "/tmp/bench-refvals-XXXXXX");
    stream = fdopen(mkstemp(files->path), "wb");
    bench_must(stream != NULL &&
                   fwrite(bytes, 1, files->compiled_len, stream) == files->compiled_len &&
                   fclose(stream) == 0,
               "cannot write below /tmp");
    free(bytes);
}

struct figures {
    struct samples text_ms, text_rate, sha256_ms, text_ratio; /* ratio: text to SHA-256 of it */
    struct samples load_us, load_heap, load_ratio;            /* ratio: text to mapped */
    struct samples hit_ns, miss_ns, cold_ns;
};

/* All of a text, and what is made of it. */
static void measure_text(const struct files *files, struct figures *f)
{
    struct ratls_slice text = {files->text, files->text_len};
    struct ratls_refvals *set = NULL;
    double begin = cpu_us(), ms, bare;
    uint8_t digest[32];

    bench_must(ratls_refvals_parse("list", text, &set, NULL) == RATLS_OK, "cannot parse");
    ms = (cpu_us() - begin) / 1e3;
    bench_must(ratls_refvals_count(set) == COUNT, "values are missing");
    ratls_refvals_free(set);
    begin = cpu_us();
    bench_must(ratls_sha256(text, digest, NULL) == RATLS_OK, "no digest");
    bare = (cpu_us() - begin) / 1e3;
    samples_add(&f->text_ms, ms);
    samples_add(&f->text_rate, (double)files->text_len / 1e3 / ms);
    samples_add(&f->sha256_ms, bare);
    samples_add(&f->text_ratio, ms / bare);
}

/* Values in an order in which no two are neighbours; change: a bit that makes them others. */
static struct value *make_values(uint8_t change)
{
    struct value *values = malloc(LOOK_UPS * sizeof *values);

    bench_must(values != NULL, "no memory");
    for (unsigned i = 0; i < LOOK_UPS; i++) {
        make_value((unsigned)(i * UINT64_C(7919) % COUNT), &values[i]);
        values[i].digest[31] ^= change;
    }
    return values;
}

static double look_up_ns(const struct ratls_refvals *set, const struct value *values,
                         size_t expected)
{
    double begin = cpu_us();
    size_t found = 0;

    for (size_t i = 0; i < LOOK_UPS; i++)
        found += ratls_refvals_allows(set, ratls_slice(values[i].digest, sizeof values[i].digest),
                                      ratls_slice(values[i].name, strlen(values[i].name)));
    bench_must(found == expected, "a look-up is wrong");
    return (cpu_us() - begin) * 1e3 / LOOK_UPS;
}

static void measure_compiled(const struct files *files, const struct value *there,
                             const struct value *others, struct figures *f)
{
    struct ratls_refvals *set = NULL;
    double heap = heap_bytes(), begin = cpu_us(), us;

    bench_must(ratls_refvals_load(files->path, &set, NULL) == RATLS_OK, "cannot load");
    us = cpu_us() - begin;
    samples_add(&f->cold_ns, look_up_ns(set, there, LOOK_UPS));
    samples_add(&f->hit_ns, look_up_ns(set, there, LOOK_UPS));
    samples_add(&f->miss_ns, look_up_ns(set, others, 0));
    samples_add(&f->load_heap, heap_bytes() - heap);
    samples_add(&f->load_us, us);
    samples_add(&f->load_ratio, samples_median(&f->text_ms) * 1e3 / us);
    ratls_refvals_free(set);
}

static void print_line(const char *what, const struct samples *samples, const char *unit)
{
    printf("  %-44s %10.1f %s (%.1f to %.1f)\n", what, samples_median(samples), unit,
           samples_min(samples), samples_max(samples));
}

static void print_text(const struct files *files, const struct figures *f)
{
    printf("1000000 reference values, text of %.1f MB, compiled %.1f MB:\n",
           (double)files->text_len / 1e6, (double)files->compiled_len / 1e6);
    print_line("load, compiled", &f->load_us, "us");
    print_line("heap that it keeps, with all look-ups", &f->load_heap, "bytes");
    print_line("look-up, value is there", &f->hit_ns, "ns");
    print_line("look-up, value is not there", &f->miss_ns, "ns");
    print_line("look-up, the first after loading", &f->cold_ns, "ns");
    print_line("load, text", &f->text_ms, "ms");
    print_line("load, text", &f->text_rate, "MB/s");
    print_line("bare SHA-256 of the text", &f->sha256_ms, "ms");
    print_line("text to bare SHA-256", &f->text_ratio, "times");
    print_line("text to compiled", &f->load_ratio, "times");
}

static void print_json(const struct figures *f)
{
    printf("{\"load-us\": %.2f, \"load-heap\": %.0f, \"hit-ns\": %.1f, \"miss-ns\": %.1f, "
           "\"cold-ns\": %.1f, \"text-ms\": %.1f, \"text-ratio\": %.2f, \"load-ratio\": %.0f}\n",
           samples_median(&f->load_us), samples_median(&f->load_heap), samples_median(&f->hit_ns),
           samples_median(&f->miss_ns), samples_median(&f->cold_ns), samples_median(&f->text_ms),
           samples_median(&f->text_ratio), samples_median(&f->load_ratio));
}

static void run(size_t rounds, bool json)
{
    static struct figures figures;
    struct files files = {0};
    struct ratls_refvals *set = NULL;
    struct value *there = make_values(0), *others = make_values(1);

    make_text(&files);
    bench_must(ratls_refvals_parse("list", ratls_slice(files.text, files.text_len), &set, NULL) ==
                   RATLS_OK,
               "cannot parse");
    write_compiled(&files, set);
    ratls_refvals_free(set);
    for (size_t i = 0; i < rounds; i++) {
        measure_text(&files, &figures);
        measure_compiled(&files, there, others, &figures);
    }
    unlink(files.path);
    if (json)
        print_json(&figures);
    else
        print_text(&files, &figures);
    free(there);
    free(others);
    free(files.text);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);

    run(command.rounds, command.is_json);
    return 0;
}
