/* net/listen.h — a listening TCP socket from HOST:PORT, with advice where that fails. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/error.h"

enum { LISTEN_ADDRESS_SIZE = 64 };

/*
 * Opens a non-blocking listener. HOST is an IPv4 address, an IPv6 address in brackets, or
 * localhost; empty: 127.0.0.1. *out_fd is the caller's to close; `bound` gets the address with the
 * real port.
 */
bool listen_open(
	const char *address, int *out_fd, char bound[LISTEN_ADDRESS_SIZE], struct error *err);

#endif
