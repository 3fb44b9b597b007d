// Names at the ends of curves, moved apart so that none covers another.

/**
 * Where labels go: as near to `wanted` (ascending pixel positions) as a distance of `gap` between neighbours allows,
 * within [low, high]. Labels that touch move as one block about their mean.
 */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
	const blocks: { sum: number; count: number }[] = []; // sum of (wanted − offset in block)
	const top = (block: { sum: number; count: number }) => {
		const room = high - (block.count - 1) * gap;
		return Math.max(low, Math.min(room, block.sum / block.count));
	};
	for (const y of wanted) {
		let block = { sum: y, count: 1 };
		for (let above = blocks.at(-1); above && top(above) + above.count * gap > top(block); above = blocks.at(-1)) {
			block = { sum: above.sum + block.sum - block.count * above.count * gap, count: above.count + block.count };
			blocks.pop();
		}
		blocks.push(block);
	}
	return blocks.flatMap((block) => Array.from({ length: block.count }, (_, i) => top(block) + i * gap));
}
