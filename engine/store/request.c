#include "engine/store/internal.h"

#include <stdio.h>

void cadre_request_push(struct request_list *list, struct cadre_request *request)
{
	request->next = NULL;
	if (list->last)
		list->last->next = request;
	else
		list->first = request;
	list->last = request;
}

struct cadre_request *cadre_request_pop(struct request_list *list)
{
	struct cadre_request *request = list->first;

	if (!request)
		return NULL;
	list->first = request->next;
	if (!list->first)
		list->last = NULL;
	request->next = NULL;
	return request;
}

void cadre_request_finish(struct cadre_request *request, enum cadre_status status,
                          const char *format, ...)
{
	va_list args;

	request->status = status;
	request->err.status = status;
	va_start(args, format);
	vsnprintf(request->err.message, sizeof request->err.message, format, args);
	va_end(args);
	request->complete(request);
}

void cadre_request_fail_all(struct request_list *list, enum cadre_status status,
                            const char *message)
{
	struct cadre_request *request;

	while ((request = cadre_request_pop(list)))
		cadre_request_finish(request, status, "%s", message);
}
