/* The commands of `ratls seal`. */
#ifndef RATLS_TOOL_SEAL_COMMAND_H
#define RATLS_TOOL_SEAL_COMMAND_H

int ratls_cmd_seal_key(int argc, char **argv);
int ratls_cmd_seal_authorize(int argc, char **argv);
int ratls_cmd_seal_install(int argc, char **argv);
int ratls_cmd_seal_list(int argc, char **argv);
int ratls_cmd_seal_remove(int argc, char **argv);

#endif
