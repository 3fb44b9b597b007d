// Boxes of a picture, as they are drawn. Pure.

import type { Box, Decision, Detection } from './contract';

/** Intersection over union. */
export function overlap([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): number {
	const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
	const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
	if (width <= 0 || height <= 0) return 0;
	const shared = width * height;
	return shared / (aw * ah + bw * bh - shared);
}

/** Which of the detections caused the decision about the same picture; -1: none. */
export function decider(trace: string, detections: readonly Detection[], decision: Decision | null): number {
	if (!decision?.box || decision.trace !== trace) return -1;
	const { box, class_name } = decision;
	let best = -1;
	let most = 0.5;
	detections.forEach((detection, i) => {
		const share = detection.class_name === class_name ? overlap(detection.box, box) : 0;
		if (share > most) [best, most] = [i, share];
	});
	return best;
}

export interface Placed {
	left: number; // all in percent of the picture
	top: number;
	width: number;
	height: number;
}

/** The part of a box that lies in the picture; null where none does. */
export function place([x, y, w, h]: Box, width: number, height: number): Placed | null {
	const left = Math.max(0, x);
	const top = Math.max(0, y);
	const right = Math.min(width, x + w);
	const bottom = Math.min(height, y + h);
	if (right <= left || bottom <= top) return null;
	return {
		left: (left / width) * 100,
		top: (top / height) * 100,
		width: ((right - left) / width) * 100,
		height: ((bottom - top) / height) * 100,
	};
}
