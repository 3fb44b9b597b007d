#include "engine/scrape/scrape.h"

#include "base/map.h"
#include "base/memory.h"

#include <stdlib.h>

/*
 * One text says a metric's type, help and unit in lines of their own: they are gathered in `open`,
 * and join the others when the text ends.
 */
struct scrape_catalog {
	struct arena arena; // texts, entries of the open text
	struct map open;    // name → struct scrape_description *
	struct scrape_description *items;
	size_t count, capacity;
};

struct scrape_catalog *scrape_catalog_create(void)
{
	return memory_alloc(sizeof(struct scrape_catalog));
}

void scrape_catalog_destroy(struct scrape_catalog *catalog)
{
	if (!catalog)
		return;
	map_finish(&catalog->open);
	free(catalog->items);
	arena_finish(&catalog->arena);
	free(catalog);
}

static struct scrape_description *open_entry(struct scrape_catalog *catalog, struct str name)
{
	struct scrape_description *entry = map_get(&catalog->open, name);

	if (entry)
		return entry;
	entry = ARENA_NEW(&catalog->arena, struct scrape_description);
	*entry = (struct scrape_description){
		str_copy(&catalog->arena, name), STR("unknown"), STR(""), STR("")};
	map_set(&catalog->open, entry->name, entry);
	return entry;
}

void scrape_catalog_add(struct scrape_catalog *catalog, const struct scrape_metadata *metadata)
{
	struct scrape_description *entry = open_entry(catalog, metadata->name);
	struct str text = str_copy(&catalog->arena, metadata->text);

	switch (metadata->kind) {
	case SCRAPE_TYPE:
		entry->type = str_equal(text, STR("untyped")) ? STR("unknown") : text;
		break;
	case SCRAPE_HELP:
		entry->help = text;
		break;
	case SCRAPE_UNIT:
		entry->unit = text;
		break;
	}
}

static bool is_same(const struct scrape_description *a, const struct scrape_description *b)
{
	return str_equal(a->name, b->name) && str_equal(a->type, b->type) &&
	       str_equal(a->help, b->help) && str_equal(a->unit, b->unit);
}

static int compare_names(const void *a, const void *b)
{
	const struct scrape_description *left = a, *right = b;
	int order = str_compare(left->name, right->name);

	if (order)
		return order;
	order = str_compare(left->type, right->type);
	if (!order)
		order = str_compare(left->help, right->help);
	return order ? order : str_compare(left->unit, right->unit);
}

void scrape_catalog_end_text(struct scrape_catalog *catalog)
{
	const struct map_entry *entry;
	size_t position = 0, kept = 0;

	while ((entry = map_next(&catalog->open, &position))) {
		catalog->items = memory_grow(catalog->items, &catalog->capacity, catalog->count + 1,
			sizeof *catalog->items);
		catalog->items[catalog->count++] = *(const struct scrape_description *)entry->value;
	}
	map_finish(&catalog->open);
	catalog->open = (struct map){0};
	if (catalog->count)
		qsort(catalog->items, catalog->count, sizeof *catalog->items, compare_names);
	for (size_t i = 0; i < catalog->count; i++)
		if (!kept || !is_same(&catalog->items[kept - 1], &catalog->items[i]))
			catalog->items[kept++] = catalog->items[i];
	catalog->count = kept;
}

const struct scrape_description *scrape_catalog_items(
	const struct scrape_catalog *catalog, size_t *count)
{
	*count = catalog->count;
	return catalog->items;
}
