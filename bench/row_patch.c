/* W2: one client's durable patches. */
#include <stdio.h>

#include "bench/patch_sides.h"
#include "bench/rows.h"

enum cadre_status bench_row_w2(struct bench *bench, struct cadre_error *err)
{
	struct bench_patches patches;
	char note[128];
	const struct bench_comparison comparison = {
		.name = "W2",
		.what = "one client's durable patch, p50",
		.unit = "patch",
		.ours_name = "patch over RPC, ACK_LOCAL",
		.limit_name = "nng round trip and fdatasync of as many bytes",
		.target = 1.8,
		.at_most = true,
		.medians = true,
		.ours = bench_patches_ours,
		.limit = bench_patches_synced_echo,
		.ctx = &patches,
		.note = note,
	};
	enum cadre_status status = bench_patches_create(
	        &patches, bench, 1, bench_by_size(bench, 50, 5000, 20000), err);

	snprintf(note, sizeof note,
	         "messages of %zu bytes, answers of %zu, frames of %zu; the ratio is of "
	         "the medians",
	         patches.request_bytes, patches.reply_bytes, patches.frame_bytes);
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	bench_patches_destroy(&patches);
	return status;
}
