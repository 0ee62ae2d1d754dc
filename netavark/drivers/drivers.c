/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/drivers/driver.h"

#include <string.h>

static const struct driver *const drivers[] = {
	&driver_bridge,
	&driver_macvlan,
	&driver_ipvlan,
};

const struct driver *driver_find(const char *name)
{
	for (size_t i = 0; i < array_size(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return &driver_plugin;
}

bool driver_is_plugin(const char *name)
{
	return driver_find(name) == &driver_plugin;
}
