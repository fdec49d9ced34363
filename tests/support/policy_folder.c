#include "policy_folder.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "must.h"
#include "pki.h"

static char folder[64];

void policy_folder_write(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    must(f != NULL && fputs(text, f) >= 0);
    must(fclose(f) == 0);
}

static void write_certificates(const char *path, X509 *first, X509 *second)
{
    FILE *f = fopen(path, "w");

    must(f != NULL && PEM_write_X509(f, first) == 1);
    must(second == NULL || PEM_write_X509(f, second) == 1);
    must(fclose(f) == 0);
}

static X509 *make_certificate(const char *subject, EVP_PKEY *key)
{
    struct pki_spec spec = {.subject = subject, .key = key, .ca = "critical,CA:TRUE"};
    X509 *certificate = pki_certificate(&spec);

    EVP_PKEY_free(key);
    return certificate;
}

static void write_signers(void)
{
    EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    X509 *one, *two, *three;

    must(weak != NULL);
    one = make_certificate("One", pki_key(PKI_P256));
    two = make_certificate("Two", pki_key(PKI_P256));
    three = make_certificate("Weak", weak);
    write_certificates("one.pem", one, NULL);
    write_certificates("two.pem", two, NULL);
    write_certificates("both.pem", one, two);
    write_certificates("weak.pem", three, NULL);
    X509_free(one);
    X509_free(two);
    X509_free(three);
}

void policy_folder_enter(void)
{
    snprintf(folder, sizeof folder, "/tmp/ratls-policy-XXXXXX");
    umask(022);
    must(mkdtemp(folder) != NULL && chdir(folder) == 0);
    write_signers();
    policy_folder_write("a.sha256", AA64 "  /a\n");
    policy_folder_write("b.sha256", "# of b\n" BB64 "  /b\n");
    policy_folder_write("all.sha256", AA64 "  /a\n" BB64 "  /b\n");
    policy_folder_write("a.sha384", AA64 AA16 AA16 "  /a\n");
    policy_folder_write("pcrs.sha256", AA64 "  pcr:0\n" BB64 "  pcr:7\n");
    policy_folder_write("lines.txt", "# of a\n\nroot=/dev/sda* ro\nquiet\n");
}

void policy_folder_leave(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;

    must(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            must(unlink(entry->d_name) == 0);
    }
    must(closedir(dir) == 0 && chdir("/") == 0 && rmdir(folder) == 0);
}
