/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memcpy() and its kin. The cryptographic library is compiled with the C library's header, so that
 * one declares them; where there is no C library a service brings its own.
 */
#ifndef LIBSVC_STRING_H
#define LIBSVC_STRING_H

#include <string.h>

#endif
