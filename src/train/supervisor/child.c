#include "train/supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CANNOT_RUN = 127 };

static void close_pair(const int pair[2])
{
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

/* Only calls that are safe between fork and exec. */
static void become(char *const *arguments, pid_t parent, const int out[2], const int errors[2])
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	// Whose parent is gone already gets no signal any more.
	if (getppid() != parent)
		_exit(EXIT_CANNOT_RUN);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	// A reader that is gone is an error of write, not the end.
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_DFL);
	dup2(out[1], STDOUT_FILENO);
	dup2(errors[1], STDERR_FILENO);
	execv(arguments[0], arguments);
	const char *why = strerrordesc_np(errno);

	if (write(STDERR_FILENO, "cannot be run: ", 15) < 0 ||
		write(STDERR_FILENO, arguments[0], strlen(arguments[0])) < 0 ||
		write(STDERR_FILENO, ": ", 2) < 0 || write(STDERR_FILENO, why, strlen(why)) < 0)
		_exit(EXIT_CANNOT_RUN);
	_exit(EXIT_CANNOT_RUN);
}

bool child_start(struct child *child, char *const *arguments, struct error *err)
{
	int out[2] = {-1, -1}, errors[2] = {-1, -1};
	pid_t parent = getpid();

	*child = (struct child){.pid_fd = -1, .streams = {-1, -1}};
	fflush(NULL); // what is not written yet is not to be written twice
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0 || pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0) {
		close_pair(out);
		return error_errno(err, "a pipe for %s", arguments[0]);
	}
	pid_t pid = fork();

	if (pid == 0)
		become(arguments, parent, out, errors);
	int pid_fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (pid < 0 || pid_fd < 0) {
		error_errno(err, "start %s", arguments[0]);
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		close_pair(out);
		close_pair(errors);
		return false;
	}
	close(out[1]);
	close(errors[1]);
	*child = (struct child){pid, pid_fd, {out[0], errors[0]}};
	return true;
}

void child_signal(const struct child *child, int signal_number)
{
	if (child->pid > 0)
		kill(child->pid, signal_number);
}

int child_collect(struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(child->pid_fd);
	close(child->streams[0]);
	close(child->streams[1]);
	*child = (struct child){.pid_fd = -1, .streams = {-1, -1}};
	return status;
}
