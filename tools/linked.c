#include "linked.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct image {
    const uint8_t *p;
    uint64_t len;
    Elf64_Ehdr elf;
};

static bool copy_at(const struct image *image, uint64_t at, void *out, size_t len)
{
    if (at > image->len || image->len - at < len)
        return false;
    memcpy(out, image->p + at, len);
    return true;
}

static bool read_segment(const struct image *image, unsigned i, Elf64_Phdr *ret)
{
    return i < image->elf.e_phnum &&
           copy_at(image, image->elf.e_phoff + (uint64_t)i * image->elf.e_phentsize, ret,
                   sizeof *ret);
}

/* Where in the file that lies which the program will have at this address. */
static bool find_offset(const struct image *image, uint64_t address, uint64_t *ret_offset)
{
    Elf64_Phdr segment;

    for (unsigned i = 0; read_segment(image, i, &segment); i++) {
        if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
            address - segment.p_vaddr >= segment.p_filesz)
            continue;
        *ret_offset = segment.p_offset + (address - segment.p_vaddr);
        return true;
    }
    return false;
}

/* The value of the index-th entry with this tag in the dynamic section. */
static bool read_dynamic(const struct image *image, int64_t tag, unsigned index, uint64_t *ret)
{
    Elf64_Phdr segment;
    Elf64_Dyn entry;

    for (unsigned i = 0; read_segment(image, i, &segment); i++) {
        if (segment.p_type != PT_DYNAMIC)
            continue;
        for (uint64_t at = 0; at + sizeof entry <= segment.p_filesz; at += sizeof entry) {
            if (!copy_at(image, segment.p_offset + at, &entry, sizeof entry) ||
                entry.d_tag == DT_NULL)
                return false;
            if (entry.d_tag == tag && index-- == 0) {
                *ret = entry.d_un.d_val;
                return true;
            }
        }
    }
    return false;
}

/* The name of the index-th library that the program is linked with; NULL behind the last. */
static const char *find_library(const struct image *image, unsigned index)
{
    uint64_t address, strings, name;

    if (!read_dynamic(image, DT_STRTAB, 0, &address) ||
        !read_dynamic(image, DT_NEEDED, index, &name) || !find_offset(image, address, &strings) ||
        strings >= image->len || name >= image->len - strings)
        return NULL;
    name += strings;
    if (memchr(image->p + name, '\0', image->len - name) == NULL)
        return NULL;
    return (const char *)(image->p + name);
}

static const char *find_tls(const struct image *image)
{
    static const struct {
        const char *prefix, *name;
    } others[] = {
        {"libgnutls", "GnuTLS"},    {"libcurl-gnutls.", "GnuTLS"}, {"libnss3.", "NSS"},
        {"libssl3.", "NSS"},        {"libcurl-nss.", "NSS"},       {"libmbedtls.", "Mbed TLS"},
        {"libwolfssl.", "wolfSSL"}, {"libssl.so.1", "OpenSSL 1"},
    };
    const char *found = NULL;
    const char *library;

    for (unsigned i = 0; (library = find_library(image, i)) != NULL; i++) {
        if (strncmp(library, "libssl.so.3", strlen("libssl.so.3")) == 0)
            return NULL;
        for (size_t j = 0; j < sizeof others / sizeof others[0]; j++)
            if (strncmp(library, others[j].prefix, strlen(others[j].prefix)) == 0)
                found = others[j].name;
    }
    return found;
}

const char *ratls_linked_tls(int fd)
{
    struct image image = {0};
    const char *found = NULL;
    struct stat info;
    void *p;

    if (fstat(fd, &info) != 0 || info.st_size <= 0)
        return NULL;
    image.len = (uint64_t)info.st_size;
    p = mmap(NULL, image.len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return NULL;
    image.p = p;
    if (copy_at(&image, 0, &image.elf, sizeof image.elf) &&
        memcmp(image.elf.e_ident, ELFMAG, SELFMAG) == 0 &&
        image.elf.e_ident[EI_CLASS] == ELFCLASS64)
        found = find_tls(&image);
    munmap(p, image.len);
    return found;
}
