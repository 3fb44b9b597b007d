/* train/capture/control.h — POST /capture/start, test and stop, with the original's answers. */
#ifndef TRAIN_CAPTURE_CONTROL_H
#define TRAIN_CAPTURE_CONTROL_H

#include "net/http.h"

/* Their context is the struct capture. */
extern const struct http_route capture_routes[];
extern const size_t capture_route_count;

#endif
