/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Moves this process into a mount namespace of its own that holds only what a server of the
 * directory needs: a long-running process must not keep the file systems of others in use, nor
 * the network namespaces of containers, nor a namespace that somebody made for a short while. What
 * is mounted and unmounted later there is seen here, too, where the mounts are shared.
 *
 * Does nothing without CAP_SYS_ADMIN, or where the kernel refuses: then a debug line says so.
 * Shape:   dir is absolute. To be called before anything on a file system is opened.
 */
void mounts_isolate(const char *dir);
