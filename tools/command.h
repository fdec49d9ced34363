/* The commands of the tool. */
#ifndef RATLS_TOOL_COMMAND_H
#define RATLS_TOOL_COMMAND_H

struct ratls_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the whole command, for example "ratls probe" */
};

int ratls_cmd_init(int argc, char **argv);
int ratls_cmd_cert(int argc, char **argv);
int ratls_cmd_check(int argc, char **argv);
int ratls_cmd_probe(int argc, char **argv);
int ratls_cmd_sync(int argc, char **argv);
int ratls_cmd_show(int argc, char **argv);
int ratls_cmd_verify(int argc, char **argv);
int ratls_cmd_exec(int argc, char **argv);
int ratls_cmd_watch(int argc, char **argv);
int ratls_cmd_policy(int argc, char **argv);
int ratls_cmd_policy_compile(int argc, char **argv);
int ratls_cmd_policy_crl(int argc, char **argv);
int ratls_cmd_policy_diff(int argc, char **argv);
int ratls_cmd_policy_explain(int argc, char **argv);
int ratls_cmd_policy_forget(int argc, char **argv);
int ratls_cmd_policy_learn(int argc, char **argv);
int ratls_cmd_policy_lint(int argc, char **argv);
int ratls_cmd_policy_update(int argc, char **argv);
int ratls_cmd_roots(int argc, char **argv);
int ratls_cmd_enroll(int argc, char **argv);
int ratls_cmd_seal(int argc, char **argv);
int ratls_cmd_ca(int argc, char **argv);

/*
 * Runs the command that argv[1] names, or prints the list of them. `program` is what stands before
 * the name, for example "ratls policy".
 */
int ratls_command_run(const char *program, const char *about, const struct ratls_command *commands,
                      int argc, char **argv);

#endif
