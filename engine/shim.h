/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What stands between the monitor and the OCI runtime: "tjalk --oci-shim=RUNDIR RUNTIME …". It goes into
 * a mount namespace of its own, makes the container's root file system there and becomes the runtime. So
 * the host never sees these mounts, and they vanish with the container however it ends.
 */

#define SHIM_OPTION "--oci-shim="

/* Returns only on failure, with the exit status; the monitor hands what stands on stderr to its caller. */
int shim_main(char **argv);
