// What a monitor recorded of a train, as its page replays it. Pure: time is an argument. docs/monitor.md has the fields.

import type { Box, Detection, Mode, Order } from './contract';

/** [from, to, what] of a timeline, in Unix milliseconds. */
export type Span<What> = [number, number, What];

/** What became of a film; `cut`: it ends at the most that one may hold. */
export type Film = 'making' | 'done' | 'cut' | 'busy' | 'failed';

/** Behind the address of a train's page: it opens with the past. */
export const PAST = '#past';

export interface Timeline {
	from_ms: number;
	to_ms: number;
	cell_ms: number;
	oldest_ms?: number; // absent: nothing is recorded
	newest_ms?: number;
	pictures: Span<number>[];
	orders: Span<Order>[];
	modes: Span<Mode>[];
	battery: [number, number][];
	commands: [number, string][];
}

export interface PastEvent {
	kind: 'frame' | 'result' | 'decision' | 'telemetry' | 'command' | 'presence';
	at_ms: number;
	number: number;
	key?: string; // a picture, its result and its decision have the same
	detections?: Detection[];
	order?: Order;
	reason?: string;
	class_name?: string;
	box?: Box;
	mode?: Mode;
	armed?: boolean;
	percent?: number;
	battery_percent?: number;
	command?: string;
}

/** What there was to see at an instant; null: nothing was said by then. */
export interface Moment {
	frame: PastEvent | null;
	detections: Detection[];
	decision: PastEvent | null; // of that picture; where there is none, the order in force
	telemetry: PastEvent | null;
}

// A picture is shown for so long after it was taken; what was said holds for so long.
const SHOWN_MS = 2_000;
const HOLDS_MS = 5_000;

/** What people are told of: an order or a mode that was another before, a command. */
export function changes(events: readonly PastEvent[]): PastEvent[] {
	let order: Order | undefined;
	let mode: Mode | undefined;
	return events.filter((event) => {
		if (event.kind === 'command') return event.command !== undefined;
		if (event.kind === 'decision' && event.order && event.order !== order) {
			order = event.order;
			return true;
		}
		if (event.kind === 'telemetry' && event.mode && event.mode !== mode) {
			mode = event.mode;
			return true;
		}
		return false;
	});
}

/** The last of them that was not after the instant, and not too long before it. */
export function lastAt(events: readonly PastEvent[], at_ms: number, for_ms: number): PastEvent | null {
	let from = 0;
	let to = events.length;
	while (from < to) {
		const middle = (from + to) >> 1;
		if ((events[middle] as PastEvent).at_ms <= at_ms) from = middle + 1;
		else to = middle;
	}
	const found = events[from - 1];
	return found && at_ms - found.at_ms <= for_ms ? found : null;
}

/** A stretch of the past, in the order of time. */
export class Reel {
	readonly changes: PastEvent[];
	private readonly frames: PastEvent[] = [];
	private readonly decisions: PastEvent[] = [];
	private readonly telemetries: PastEvent[] = [];
	private readonly results = new Map<string, Detection[]>();
	private readonly decided = new Map<string, PastEvent>();

	constructor(events: readonly PastEvent[]) {
		const sorted = [...events].sort((a, b) => a.at_ms - b.at_ms || a.number - b.number);
		this.changes = changes(sorted);
		for (const event of sorted) {
			if (event.kind === 'frame') this.frames.push(event);
			if (event.kind === 'decision' && event.order) this.decisions.push(event);
			if (event.kind === 'decision' && event.order && event.key) this.decided.set(event.key, event);
			if (event.kind === 'telemetry' && event.mode) this.telemetries.push(event);
			if (event.kind === 'result' && event.key) this.results.set(event.key, event.detections ?? []);
		}
	}

	at(at_ms: number): Moment {
		const frame = lastAt(this.frames, at_ms, SHOWN_MS);
		return {
			frame,
			detections: (frame?.key && this.results.get(frame.key)) || [],
			decision: this.decided.get(frame?.key ?? '') ?? lastAt(this.decisions, at_ms, HOLDS_MS),
			telemetry: lastAt(this.telemetries, at_ms, HOLDS_MS),
		};
	}

	/** When the picture before or after the one of an instant was taken; null: this stretch has none. */
	neighbour(at_ms: number, way: -1 | 1): number | null {
		if (way > 0) return this.frames.find((frame) => frame.at_ms > at_ms)?.at_ms ?? null;
		const shown = lastAt(this.frames, at_ms, Infinity);
		return (shown && lastAt(this.frames, shown.at_ms - 1, Infinity)?.at_ms) ?? null;
	}
}

/** How a viewer's clock writes an instant for a field of date and time, to the second. */
export function fieldOf(at_ms: number): string {
	const at = new Date(at_ms);
	const two = (n: number) => String(n).padStart(2, '0');
	return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** Where a span lies in a timeline that is `width` wide: left edge and width; null: outside. */
export function extent([from, to]: readonly [number, number, ...unknown[]], line: Timeline, width: number): [number, number] | null {
	const whole = line.to_ms - line.from_ms;
	const left = Math.max(0, (from - line.from_ms) / whole);
	const right = Math.min(1, (to - line.from_ms) / whole);
	return whole > 0 && right >= left ? [left * width, Math.max(1, (right - left) * width)] : null;
}
