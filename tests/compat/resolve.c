/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program in a container sees of names: prints the addresses that the C library finds.
 *
 *   resolve NAME...    one line for each: NAME ADDRESS... or NAME and the error
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void print_addresses(const struct addrinfo *list)
{
	char text[64];

	for (const struct addrinfo *i = list; i; i = i->ai_next)
		if (getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof(text), NULL, 0,
				NI_NUMERICHOST) == 0)
			printf(" %s", text);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;

	for (int i = 1; i < argc; i++) {
		int r = getaddrinfo(argv[i], NULL, &hints, &list);

		printf("%s", argv[i]);
		if (r == 0)
			print_addresses(list);
		else
			printf(" (%s)", r == EAI_NONAME	 ? "no such name"
					: r == EAI_AGAIN ? "try again"
							 : gai_strerror(r));
		puts("");
		if (r == 0)
			freeaddrinfo(list);
		list = NULL;
	}
	return 0;
}
