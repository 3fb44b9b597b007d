/* `railquest serve` on a fake rehearsal: fake_serve HOST:PORT [SPEED [loop]]. */
#include "leaderboard/server/server.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct server_options options = {
		.listen = argc > 1 ? argv[1] : "127.0.0.1:0",
		.speed = argc > 2 ? strtod(argv[2], NULL) : 0,
		.loop = argc > 3,
	};
	struct error err = {0};
	struct server *server = server_create(&options, &err);

	if (!server) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	printf("listening on http://%s\n", server_address(server));
	fflush(stdout);
	bool ok = server_run(server, &err);

	server_destroy(server);
	return ok ? 0 : 1;
}
