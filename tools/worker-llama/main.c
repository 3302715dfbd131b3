#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/worker-llama/llama_worker.h"

#define PROGRAM "cadre-worker-llama"
#define EXIT_USAGE 2
#define INFERENCES_MAX 64
#define THREADS_MAX 1024

static const struct argp_option option_table[] = {
	{ "listen", 'l', "ADDRESS", 0,
	  "nng address: ipc://DIR/worker.sock with a DIR of mode 0700 (default: in a new "
	  "directory, printed)",
	  0 },
	{ "devices", 'd', "NAMES", 0,
	  "\"cpu\", or the devices to compute on with commas, as ggml names them: CUDA0 "
	  "(default: all; CUDA_VISIBLE_DEVICES says which cards there are)",
	  0 },
	{ "inferences", 'i', "N", 0,
	  "inferences at once, each with a context (default 4)", 0 },
	{ "threads", 't', "N", 0,
	  "threads of one inference (default: the processors, shared evenly)", 0 },
	{ 0 },
};

struct arguments {
	struct cadre_worker_options options;
	const char *devices;
	unsigned threads;
};

static unsigned read_number(struct argp_state *state, const char *text, unsigned max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < 1 || value > max)
		argp_error(state, "\"%s\" is not a number from 1 to %u", text, max);
	return (unsigned)value;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'l':
		arguments->options.address = text;
		return 0;
	case 'd':
		arguments->devices = text;
		return 0;
	case 'i':
		arguments->options.inferences_max = read_number(state, text,
		                                                INFERENCES_MAX);
		return 0;
	case 't':
		arguments->threads = read_number(state, text, THREADS_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void log_line(void *ctx, enum cadre_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "%s\n", line);
}

static void listening(void *ctx, const char *address)
{
	(void)ctx;
	printf("listening at %s\n", address);
	fflush(stdout);
}

static int serve(struct arguments *arguments)
{
	static const struct cadre_worker_callbacks callbacks = {
		.hello = llama_worker_facts,
		.load = llama_worker_load,
		.unload = llama_worker_unload,
		.infer = llama_worker_infer,
		.status = llama_worker_facts,
	};
	struct llama_worker worker = { .inferences_max =
		                               arguments->options.inferences_max };
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	worker.threads = (int32_t)arguments->threads;
	if (worker.threads == 0 && processors > (long)worker.inferences_max)
		worker.threads = (int32_t)(processors / (long)worker.inferences_max);
	if (worker.threads == 0)
		worker.threads = 1;
	llama_worker_log_init();
	status = llama_worker_devices_init(&worker, arguments->devices, &err);
	if (status == CADRE_OK)
		status = cadre_worker_serve(&arguments->options, &callbacks, &worker,
		                            listening, &err);
	llama_backend_free();
	if (status == CADRE_OK)
		return 0;
	fprintf(stderr, PROGRAM ": %s\n", err.message);
	return cadre_status_exit_code(status);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Holds GGUF models and LoRA adapters in llama.cpp and answers a "
		       "Cadre agent."
		       "\vThe agent starts it. By hand:\n"
		       "  " PROGRAM " --devices cpu\n"
		       "Ends on SIGTERM. Exit codes: 0 done, 1 refused, 2 usage,\n"
		       "5 unavailable, 6 damaged data.",
	};
	struct arguments arguments = { .options.inferences_max = 4 };
	int result;

	argp_program_version = PROGRAM " " CADRE_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
		return EXIT_USAGE;
	if (cadre_log_sink_create(CADRE_LOG_INFO, log_line, NULL,
	                          &arguments.options.log) != CADRE_OK)
		return EXIT_FAILURE;
	result = serve(&arguments);
	cadre_log_sink_destroy(&arguments.options.log);
	return result;
}
