/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/privileges.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "common/fault.h"

/* Needs CAP_SETPCAP; who lacks that has nothing to lose either. */
static void drop_bounding_set(void)
{
	for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++)
		if (c != CAP_NET_BIND_SERVICE)
			(void)cap_drop_bound(c);
}

static int keep_only_binding(cap_t caps)
{
	cap_value_t binding = CAP_NET_BIND_SERVICE;
	cap_flag_value_t permitted = CAP_CLEAR;

	if (cap_get_flag(caps, binding, CAP_PERMITTED, &permitted) < 0 || cap_clear(caps) < 0)
		return -1;
	if (permitted == CAP_SET && (cap_set_flag(caps, CAP_PERMITTED, 1, &binding, CAP_SET) < 0 ||
				     cap_set_flag(caps, CAP_EFFECTIVE, 1, &binding, CAP_SET) < 0))
		return -1;
	return cap_set_proc(caps);
}

int privileges_drop(struct error *err)
{
	int r = fault("privileges_drop", err);
	if (r < 0)
		return r;
	drop_bounding_set();
	(void)cap_reset_ambient();
	cap_t caps = cap_get_proc();
	r = caps ? keep_only_binding(caps) : -1;
	int code = errno;
	if (caps)
		cap_free(caps);
	if (r < 0)
		return fail(err, code, "cannot drop privileges: %s", strerror(code));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, errno, "cannot set no_new_privs: %s", strerror(errno));
	return 0;
}
