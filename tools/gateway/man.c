#include "tools/gateway/options.h"

static const char head[] =
        ".TH CADRE\\-GATEWAY 8 \"\" \"Cadre " CADRE_VERSION "\" \"Cadre\"\n"
        ".SH NAME\n"
        "cadre\\-gateway \\- HTTP front of Cadre for OCI's clients\n"
        ".SH SYNOPSIS\n"
        ".B cadre\\-gateway\n"
        ".RI [ OPTION ...]\n"
        ".SH DESCRIPTION\n"
        "Answers the model\\-group part of OCI's Data Science API from a Cadre cluster.\n"
        "It keeps no state: several may run behind a balancer.\n"
        "It stays in the foreground and logs to standard error.\n"
        ".SH OPTIONS\n"
        "A flag goes before the environment, that before the file, that before the\n"
        "default.\n"
        "Sizes carry B, KiB or MiB, times ms, s, min or h.\n";

static const char tail[] =
        ".SS \"What else it prints\"\n"
        ".TP\n"
        "\\fB\\-\\-show\\-config\\fR\n"
        "Every option with its value and where it came from.\n"
        ".TP\n"
        "\\fB\\-\\-example\\-config\\fR\n"
        "A file that explains every option and sets none.\n"
        ".TP\n"
        "\\fB\\-\\-openapi\\fR\n"
        "The operations, as an OpenAPI document.\n"
        ".TP\n"
        "\\fB\\-\\-man\\-page\\fR\n"
        "This page.\n"
        ".TP\n"
        "\\fB\\-\\-help\\fR, \\fB\\-\\-usage\\fR, \\fB\\-\\-version\\fR\n"
        "As everywhere.\n"
        ".SH SIGNALS\n"
        ".TP\n"
        "SIGTERM, SIGINT\n"
        "Stop: what is under way is answered, streams end.\n"
        ".SH EXIT STATUS\n"
        ".TP\n"
        "0\nstopped by a signal\n"
        ".TP\n"
        "2\na mistake in flags, variables or file\n"
        ".TP\n"
        "5\nunavailable: the port is in use\n"
        ".SH FILES\n"
        ".TP\n"
        ".I " GATEWAY_CONFIG_PATH "\n"
        "Options, \\fIname = value\\fR a line, comments behind ; or #.\n"
        ".SH EXAMPLES\n"
        ".nf\n"
        "cadre\\-gateway \\-\\-insecure\\-no\\-auth\n"
        ".fi\n"
        ".SH SEE ALSO\n"
        ".BR cadred (8),\n"
        ".BR cadre (1)\n";

void gateway_man(FILE *stream)
{
	fputs(head, stream);
	cadre_config_man(&gateway_options, stream);
	fputs(tail, stream);
}
