/* net/answer.h — the answering half of an exchange. */
#ifndef NET_ANSWER_H
#define NET_ANSWER_H

#include "net/http_private.h"

/* What the two functions return: go on, close the connection, or the answer is out. */
enum { ANSWER_MORE = 0, ANSWER_CLOSE = -1, ANSWER_DONE = 1 };

/* Sends the head and the first part of the body. */
int answer_begin(struct exchange *exchange);

/* The client can take more. */
int answer_continue(struct exchange *exchange);

#endif
