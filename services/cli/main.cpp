#include "services/cli/cli.hpp"

int main(int argc, char** argv) { return hyps::cli::run_command_line(argc, argv); }
