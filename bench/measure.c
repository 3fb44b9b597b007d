/*
 * measure COMMAND [ARGUMENT…] — runs a program and prints, on file descriptor 3, what it took as
 * JSON:
 * {"exit": 0, "cpu_s": 1.25, "wall_s": 0.9, "peak_kib": 4096}.
 *
 * Why not from Python: the kernel starts a program's peak at that of the process that became it,
 * and Python's own 15 MB would hide ours.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec begun, ended;
	struct rusage used;
	int status;

	if (argc < 3) {
		fputs("usage: measure CPU_SECONDS COMMAND [ARGUMENT…] 3>RESULT\n", stderr);
		return 2;
	}
	rlim_t seconds_allowed = strtoul(argv[1], NULL, 10);
	const struct rlimit limit = {seconds_allowed, seconds_allowed};

	clock_gettime(CLOCK_MONOTONIC, &begun);
	pid_t pid = fork();

	if (pid == 0) {
		close(3);
		if (seconds_allowed)
			setrlimit(RLIMIT_CPU, &limit);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0) {
		fprintf(stderr, "measure: %s\n", strerror(errno));
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	dprintf(3, "{\"exit\": %d, \"cpu_s\": %.6f, \"wall_s\": %.6f, \"peak_kib\": %ld}\n",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		seconds(used.ru_utime) + seconds(used.ru_stime),
		(double)(ended.tv_sec - begun.tv_sec) +
			(double)(ended.tv_nsec - begun.tv_nsec) / 1e9,
		used.ru_maxrss);
	return 0;
}
