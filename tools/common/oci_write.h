/* Resources as JSON in the form that OCI's get operations return, with what Cadre has
 * besides (etag, servingModelGroupId, …). */
#ifndef CADRE_TOOLS_OCI_WRITE_H
#define CADRE_TOOLS_OCI_WRITE_H

#include "cadre/v1/rpc.pb-c.h"
#include "tools/common/json_write.h"

/* One object. A group's memberModelEntries is there when `info` came with members. */
void cadre_oci_put_resource(struct cadre_json *json, const Cadre__V1__ResourceInfo *info);

struct cadre_oci_style {
	bool summary; /* as in a listing: without description, members and origin */
	const char *deployment_url; /* where predictions are asked for; NULL: left out */
};
void cadre_oci_put_styled(struct cadre_json *json, const Cadre__V1__ResourceInfo *info,
                          const struct cadre_oci_style *style);
/* freeformTags and definedTags, as members of an object; `attributes` may be NULL. */
void cadre_oci_put_tags(struct cadre_json *json, const Cadre__V1__Attributes *attributes);
/* One object {modelId, inferenceKey}. */
void cadre_oci_put_member(struct cadre_json *json, const Cadre__V1__Member *member);

#endif
