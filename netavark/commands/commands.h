/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One file, one command. Each returns the exit status. */

#include "common/command.h"

int command_setup(const struct command_line *line);
int command_teardown(const struct command_line *line);
int command_plan(const struct command_line *line);
int command_create(const struct command_line *line);
int command_update(const struct command_line *line);
int command_firewall_reload(const struct command_line *line);
int command_version(const struct command_line *line);
